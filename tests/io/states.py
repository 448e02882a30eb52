"""States to save, and what is looked at of what was saved."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lesion_jax.core.state import Network, TrainState


def make_state(value=1.0, width=3):
    params = {"dense": {"kernel": jnp.full((2, width), float(value)), "bias": jnp.full((width,), -float(value))}}
    hyper = {"learning_rate": jnp.float32(0.1), "momentum": jnp.float32(0.9), "mean": jnp.float32(0.5)}
    network = Network(params=params, batch_stats={}, opt_state=optax.adam(1e-3).init(params))
    return TrainState(jnp.int32(value), {"classifier": network}, ema={}, hyper=hyper, health={})


def assert_same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def steps_on_disk(directory):
    return sorted(int(path.name) for path in directory.iterdir() if path.name.isdigit())
