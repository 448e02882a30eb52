import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.runtime.tracing import traced_once


def test_it_runs_once_for_each_shape_and_does_the_same_alone_unrolled_and_vmapped():
    runs = []

    def step(state, key):
        runs.append(1)
        noise = jax.random.normal(key, state["x"].shape)
        return {"x": state["x"] * 2 + noise}, {"mean": jnp.mean(state["x"])}

    once = traced_once(step)
    keys = jax.random.split(jax.random.key(0), 2)
    states = {"x": jnp.arange(6.0).reshape(2, 3)}
    expected = [step(jax.tree.map(lambda x, i=i: x[i], states), keys[i]) for i in range(2)]
    runs.clear()
    unrolled = jax.jit(lambda s, k: [once(jax.tree.map(lambda x, i=i: x[i], s), k[i]) for i in range(2)])(states, keys)
    together = jax.jit(jax.vmap(once))(states, keys)
    assert len(runs) == 1
    for i, want in enumerate(expected):
        for got in (unrolled[i], jax.tree.map(lambda x, i=i: x[i], together)):
            jax.tree.map(lambda g, w: np.testing.assert_allclose(g, w, rtol=1e-6), got, want)
    once({"x": jnp.zeros(4)}, keys[0])
    assert len(runs) == 2


def test_what_one_number_of_devices_traced_another_runs():
    once = traced_once(lambda x: jnp.where(x > 1, jax.jit(jnp.sin)(x), 0.0))
    for num_devices in (1, 2, 4, 1):
        x = np.arange(4.0 * num_devices, dtype=np.float32).reshape(num_devices, 4)
        got = jax.pmap(once, devices=jax.devices()[:num_devices])(x)
        np.testing.assert_allclose(got, np.where(x > 1, np.sin(x), 0), atol=1e-6)
