import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.models import batch_norm

SHAPE = (3, 4, 5, 2)


def made_up():
    generator = np.random.default_rng(0)
    x, given = (generator.normal(2.0, 3.0, SHAPE).astype(np.float32) for _ in range(2))
    return x, given, np.array([0.5, 2.0], np.float32), np.array([1.0, -1.0], np.float32)


@pytest.mark.slow
def test_it_and_its_gradient_are_flaxs():
    x, given, scale, bias = made_up()
    settings = {"use_running_average": False, "momentum": 0.9}
    found = {}
    for module in (batch_norm.BatchNorm(**settings), nn.BatchNorm(**settings)):
        variables = module.init(jax.random.key(0), x)

        def apply(x, scale, bias, module=module, variables=variables):
            own = {**variables, "params": {"scale": scale, "bias": bias}}
            y, stats = module.apply(own, x, mutable=["batch_stats"])
            return y, stats

        y, pull, stats = jax.vjp(apply, x, scale, bias, has_aux=True)
        found[type(module)] = variables, y, pull(jnp.asarray(given)), stats
    ours, flaxs = found[batch_norm.BatchNorm], found[nn.BatchNorm]
    assert jax.tree.structure(ours) == jax.tree.structure(flaxs)
    # Of the sums over 60 numbers of size 10.
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-4), ours, flaxs)
    np.testing.assert_allclose(np.asarray(ours[1]).mean((0, 1, 2)), bias, atol=1e-5)


@pytest.mark.slow
def test_the_gradient_of_its_gradient_is_flaxs():
    x, given, scale, bias = made_up()

    def penalty(form):
        def pull(x):
            return jax.grad(lambda x: jnp.sum(jnp.sin(form(x)) * given))(x)

        return jax.grad(lambda x: jnp.sum(jnp.square(pull(x))))(x)

    variables = {"params": {"scale": scale, "bias": bias}, "batch_stats": {"mean": 0 * bias, "var": 0 * bias}}
    flaxs = nn.BatchNorm(use_running_average=False, epsilon=1e-5)
    derived = penalty(lambda x: flaxs.apply(variables, x, mutable=["batch_stats"])[0])
    written = penalty(lambda x: batch_norm.normalise(x, scale, bias, 1e-5, jnp.float32)[0])
    np.testing.assert_allclose(written, derived, rtol=1e-3, atol=1e-4)
