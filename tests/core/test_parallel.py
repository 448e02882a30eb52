import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.core import parallel
from lesion_jax.errors import ConfigError


def shards(x):
    return [np.asarray(shard.data) for shard in x.addressable_shards]


def mean_step(average):
    def step(state, batch, key):
        return state + average(jnp.mean(batch["x"])), {"m": average(jnp.mean(batch["x"]))}

    return step


def run(average, num_devices=4):
    devices = parallel.choose_devices(num_devices, 8)
    batch = parallel.shard_batch({"x": np.arange(8, dtype=np.float32)}, devices)
    state = parallel.replicate(jnp.float32(0), devices)
    return parallel.over_devices(mean_step(average), devices)(state, batch, jax.random.key(0))


def test_average_leaves_every_replica_with_the_same_value():
    state, metrics = run(parallel.average_replicas)
    assert [float(s) for s in shards(state)] == [3.5] * 4
    assert float(metrics["m"]) == 3.5


def test_a_forgotten_average_shows_shard_by_shard_though_it_claims_to_be_replicated():
    state, _ = run(parallel.alone)
    assert state.sharding.is_fully_replicated
    assert [float(s) for s in shards(state)] == [0.5, 2.5, 4.5, 6.5]


def test_state_is_donated():
    devices = parallel.choose_devices(4, 8)
    state = parallel.replicate(jnp.zeros(3), devices)
    batch = parallel.shard_batch({"x": np.arange(8, dtype=np.float32)}, devices)
    parallel.over_devices(mean_step(parallel.average_replicas), devices)(state, batch, jax.random.key(0))
    assert state.is_deleted()


def test_one_replica_gives_what_four_give():
    assert float(run(parallel.average_replicas, 1)[0]) == float(run(parallel.average_replicas, 4)[0])


def test_first_replica_is_the_first_shard():
    state, _ = run(parallel.average_replicas)
    local = parallel.first_replica(state)
    assert local.devices() == {jax.devices()[0]} and float(local) == 3.5


def test_more_devices_than_there_are():
    with pytest.raises(ConfigError, match="num_devices is 5, but JAX sees 4"):
        parallel.choose_devices(5, 10)


def test_a_batch_that_does_not_divide():
    with pytest.raises(ConfigError, match="batch_size is 6, which does not divide over 4"):
        parallel.choose_devices(0, 6)
