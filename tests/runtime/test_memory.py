import jax
import jax.numpy as jnp

from lesion_jax.runtime.memory import peak_bytes

# Of float32 [256].
KIB = 1024


def peak(function, *shapes):
    return peak_bytes(function, *(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes))


def test_arguments_and_results_are_alive_together():
    assert peak(lambda x: x + 1.0, (256,)) == 2 * KIB


def test_what_nobody_reads_any_more_is_gone():
    # Argument, and two neighbours of a chain however long it is.
    assert peak(lambda x: jnp.sin(jnp.sin(jnp.sin(jnp.sin(x)))), (256,)) == 3 * KIB


def test_what_is_read_later_stays():
    def kept(x):
        first = jnp.sin(x)
        return first + jnp.cos(jnp.cos(jnp.cos(x)))

    assert peak(kept, (256,)) == 4 * KIB


def test_what_an_inner_function_needs_counts():
    def inner(x):
        return jnp.sum(jnp.outer(x, x))

    # The 256 x 256 matrix, and its argument.
    assert peak(jax.jit(inner), (256,)) >= 256 * KIB
    assert peak(lambda x: jax.lax.scan(lambda c, _: (c + inner(x), None), 0.0, None, length=3)[0], (256,)) >= 256 * KIB


def test_it_is_near_what_the_compiler_says():
    def product(x, y):
        return jnp.tanh(x @ y) @ y

    shapes = [jax.ShapeDtypeStruct((128, 128), jnp.float32)] * 2
    found = jax.jit(product).lower(*shapes).compile().memory_analysis()
    said = found.argument_size_in_bytes + found.output_size_in_bytes + found.temp_size_in_bytes
    assert 0.5 * said <= peak_bytes(product, *shapes) <= 2 * said
