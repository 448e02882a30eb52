import jax
import jax.numpy as jnp
import pytest
from jax import lax

from lesion_jax.models import convolution, planes
from lesion_jax.runtime.arithmetic import needed_flops

X, Y, W = (jax.ShapeDtypeStruct(shape, jnp.float32) for shape in [(4, 8, 8, 3), (4, 4, 4, 6), (5, 5, 3, 6)])
# Every pixel of y meets every tap, channel and output channel.
NEEDED = 2 * 25 * 4 * 4 * 4 * 3 * 6


def test_products_count_their_multiplications_and_additions():
    a, b = jnp.zeros((7, 2, 3)), jnp.zeros((7, 3, 5))
    assert needed_flops(jnp.matmul, a, b) == 2 * 7 * 2 * 3 * 5


@pytest.mark.parametrize(
    ("form", "arguments"),
    [("down", (X, W)), ("down_by_patches", (X, W)), ("up", (Y, W)), ("kernel_gradient", (X, Y))]
    + [(f"up_by_{form}", (Y, W)) for form in ("dilation", "phases", "taps")]
    + [(f"kernel_gradient_by_{form}", (X, Y)) for form in ("convolution", "products")],
)
def test_a_map_needs_the_same_in_every_form(form, arguments):
    function = getattr(convolution, form)
    assert needed_flops(function, *arguments) == NEEDED
    many = [jax.ShapeDtypeStruct((9, *x.shape), x.dtype) for x in arguments]
    assert needed_flops(jax.vmap(function), *many) == 9 * NEEDED


def test_what_a_form_spends_on_zeros_is_not_needed():
    large, kernel = jax.ShapeDtypeStruct((4, 8, 8, 6), jnp.float32), jax.ShapeDtypeStruct((5, 5, 1, 6), jnp.float32)
    for spending, y, w in ((convolution.up_by_rows, Y, W), (planes.up, large, kernel)):
        needed = 2 * 25 * y.size * w.shape[2]
        assert needed_flops(convolution.up, y, w) == needed < needed_flops(spending, y, w)


def test_what_nobody_reads_is_not_needed_and_loops_turn_as_often_as_they_turn():
    square = jnp.zeros((4, 4))

    def unread(x):
        _, pull = jax.vjp(lambda a, b: a @ b, x, x)
        return pull(x)[0]

    assert needed_flops(jax.jit(unread), square) == 2 * 64
    assert needed_flops(lambda x: lax.fori_loop(0, 5, lambda _, y: y @ x, x), square) == 5 * 2 * 64
