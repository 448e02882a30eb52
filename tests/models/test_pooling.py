import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.models.pooling import max_pool


def reference(x):
    return nn.max_pool(x, (2, 2), (2, 2))


@pytest.mark.parametrize("sides", [(4, 6), (5, 7), (2, 3)])
@pytest.mark.parametrize("ties", [False, True])
def test_value_and_gradient_are_those_of_lax_ties_and_odd_sides_included(sides, ties):
    x = jax.random.normal(jax.random.key(0), (3, *sides, 5))
    if ties:
        x = jnp.round(x)
    cotangent = jax.random.normal(jax.random.key(1), jax.eval_shape(reference, x).shape)

    @jax.jit
    def values_and_gradients(x):
        pairs = [jax.vjp(pool, x) for pool in (max_pool, reference)]
        return [(value, *pull(cotangent)) for value, pull in pairs]

    for got, want in zip(*values_and_gradients(x), strict=True):
        np.testing.assert_array_equal(got, want)


def test_relu_after_the_pooling_equals_relu_before_it():
    x = jax.random.normal(jax.random.key(0), (2, 6, 6, 4))
    after, before = jax.jit(lambda x: (nn.relu(max_pool(x)), reference(nn.relu(x))))(x)
    np.testing.assert_array_equal(after, before)


def test_gradients_compile_without_select_and_scatter():
    text = jax.jit(jax.grad(lambda x: max_pool(x).sum())).lower(jnp.zeros((1, 4, 4, 1))).as_text()
    assert "select_and_scatter" not in text
