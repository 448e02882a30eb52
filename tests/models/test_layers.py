import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.core import keys
from lesion_jax.models.layers import DownConv, UpConv, batch_norm, dropout, fan_in_init, leaky_relu
from tests.models.conftest import create, run

KEY = jax.random.key(3)


def test_dropout_masks_an_example_alike_in_every_slice():
    x = jnp.ones((8, 64))
    example_keys = keys.per_example(KEY, jnp.arange(8))
    drop = jax.jit(lambda x, example_keys: dropout(x, example_keys, 0.5))
    whole = drop(x, example_keys)
    halves = [drop(x[i : i + 4], keys.per_example(KEY, jnp.arange(i, i + 4))) for i in (0, 4)]
    np.testing.assert_array_equal(whole, jnp.concatenate(halves))
    shuffled = jnp.array([5, 0, 7, 2, 1, 3, 6, 4])
    np.testing.assert_array_equal(drop(x, example_keys[shuffled]), whole[shuffled])
    assert len(np.unique(whole, axis=0)) == 8


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_dropout_drops_its_share_and_keeps_the_mean(rate):
    kept = jax.jit(lambda: dropout(jnp.ones((64, 512)), keys.per_example(KEY, jnp.arange(64)), rate))()
    assert abs(float((kept == 0).mean()) - rate) < 0.02
    np.testing.assert_allclose(kept.max(), 1 / (1 - rate), rtol=1e-6)


def test_batch_norm_keeps_float32_statistics_of_bfloat16_activations():
    # 1000 +- 1: a bfloat16 sum of 4096 of them would be off by whole units.
    x = (1000 + jax.random.normal(KEY, (4096, 2))).astype(jnp.bfloat16)
    norm = batch_norm(train=True, dtype=jnp.bfloat16)
    variables = create(norm, x)
    y, updated = run(norm, variables, x, mutable=["batch_stats"])
    assert y.dtype == jnp.bfloat16
    assert {a.dtype for a in jax.tree.leaves(updated) + jax.tree.leaves(variables)} == {jnp.dtype(jnp.float32)}
    exact = np.asarray(x, np.float64).mean(0)
    np.testing.assert_allclose(updated["batch_stats"]["mean"], 0.1 * exact, rtol=1e-5)


def test_batch_norm_by_the_batch_and_by_running_statistics():
    x = 3 + 2 * jax.random.normal(KEY, (1000, 4))
    train = batch_norm(train=True, dtype=jnp.float32)
    variables = create(train, x)
    y, updated = run(train, variables, x, mutable=["batch_stats"])
    scale = variables["params"]["scale"]
    np.testing.assert_allclose(y.mean(0), np.zeros(4), atol=1e-5)
    np.testing.assert_allclose(y.std(0), abs(scale), rtol=1e-3)
    by_running = run(batch_norm(train=False, dtype=jnp.float32), {**variables, **updated}, x)
    mean, var = 0.1 * x.mean(0), 0.9 + 0.1 * x.var(0)
    np.testing.assert_allclose(by_running, (x - mean) / np.sqrt(var + 1e-5) * scale, atol=1e-4)


def test_weights_start_with_a_spread_of_two_hundredths():
    for layer, side in ((DownConv(64), 4), (UpConv(64), 2)):
        kernel = jax.jit(layer.init)(KEY, jnp.zeros((1, side, side, 32)))["params"]["kernel"]
        assert kernel.shape[:2] == (5, 5)
        assert abs(float(kernel.std()) - 0.02) < 5e-4 and abs(float(kernel.mean())) < 5e-4


def test_leaky_relu_has_slope_a_fifth():
    np.testing.assert_allclose(leaky_relu(jnp.array([-2.0, 0.0, 3.0])), [-0.4, 0.0, 3.0])


@pytest.mark.parametrize("gain", [1.0, 2.0])
def test_fan_in_init_gives_outputs_the_variance_of_its_gain(gain):
    kernel = jax.jit(lambda: fan_in_init(gain)(KEY, (3, 3, 64, 128)))()
    np.testing.assert_allclose(kernel.var(), gain / (9 * 64), rtol=0.02)


def test_batch_norm_over_a_device_axis_is_that_of_all_devices_with_the_same_variables():
    x = 1.0 + jnp.arange(24, dtype=jnp.float32).reshape(4, 2, 3) ** 2
    alone, shared = (batch_norm(train=True, dtype=jnp.float32, axis_name=axis) for axis in (None, "devices"))
    variables = create(alone, x[0])
    assert jax.tree.map(jnp.shape, create(shared, x[0])) == jax.tree.map(jnp.shape, variables)
    want, want_stats = run(alone, variables, x.reshape(8, 3), mutable=["batch_stats"])
    over_axis = jax.vmap(lambda part: shared.apply(variables, part, mutable=["batch_stats"]), axis_name="devices")
    got, stats = jax.jit(over_axis)(x)
    np.testing.assert_allclose(got.reshape(8, 3), want, rtol=1e-5, atol=1e-6)
    for a, b in zip(jax.tree.leaves(stats), jax.tree.leaves(want_stats), strict=True):
        np.testing.assert_allclose(a, jnp.broadcast_to(b, a.shape), rtol=1e-5)
    by_running = batch_norm(train=False, dtype=jnp.float32, axis_name="devices")
    assert run(by_running, variables, x[0]).shape == (2, 3)
