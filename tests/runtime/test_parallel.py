import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.errors import ConfigError
from lesion_jax.runtime import parallel


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


@pytest.mark.parametrize("average", [parallel.average_replicas, parallel.average_at_once])
def test_average_leaves_every_replica_with_the_same_value(average):
    state, metrics = run(average)
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


def test_it_is_compiled_once(compilations):
    devices = parallel.choose_devices(4, 8)
    step = parallel.over_devices(mean_step(parallel.average_replicas), devices)
    state, key = parallel.replicate(jnp.float32(0), devices), jax.random.key(0)
    batch = parallel.shard_batch({"x": np.arange(8, dtype=np.float32)}, devices)
    state, _ = step(state, batch, key)
    assert compilations
    compilations.clear()
    step(state, batch, key)
    assert not compilations


def test_an_average_at_once_is_the_leaf_by_leaf_one():
    tree = {"a": np.arange(24, dtype=np.float32).reshape(4, 2, 3), "b": np.linspace(0, 1, 4, dtype=np.float32)}
    spread = [
        jax.pmap(average, axis_name=parallel.AXIS)(tree)
        for average in (parallel.average_replicas, parallel.average_at_once)
    ]
    jax.tree.map(np.testing.assert_array_equal, *spread)
    np.testing.assert_array_equal(spread[1]["a"][2], tree["a"].mean(0))


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


def test_slices_go_to_the_devices_in_order():
    devices = parallel.choose_devices(4, 8)
    batch = {"pixels": np.arange(8 * 6, dtype=np.int16).reshape(8, 2, 3), "label": np.arange(8, dtype=np.int32)}
    for name, leaf in parallel.shard_batch(batch, devices).items():
        assert leaf.dtype == batch[name].dtype and leaf.shape == (4, 2, *batch[name].shape[1:])
        for i, shard in enumerate(leaf.addressable_shards):
            assert shard.device == devices[i]
            np.testing.assert_array_equal(shard.data[0], batch[name][2 * i : 2 * i + 2])


@pytest.mark.parametrize("make", [np.asarray, jnp.asarray], ids=["host", "device"])
def test_replicas_are_equal_on_every_device(make):
    tree = {"a": make(np.arange(3, dtype=np.float32)), "step": make(np.int32(7))}
    for name, leaf in parallel.replicate(tree, jax.devices()).items():
        assert leaf.sharding.is_fully_replicated and leaf.dtype == tree[name].dtype
        assert [shard.device for shard in leaf.addressable_shards] == jax.devices()
        assert all(np.array_equal(value, tree[name]) for value in shards(leaf))


@pytest.mark.parametrize("num_devices", [1, 2, 4])
def test_a_step_that_averages_leaves_equal_checksums(num_devices):
    state, metrics = run(parallel.average_replicas, num_devices)
    found = parallel.replica_checksums((state, metrics), jax.devices()[:num_devices])
    assert found.dtype == np.uint32 and found.shape == (num_devices,)
    assert len(set(found.tolist())) == 1
    assert float(state) == 3.5, "the checksum must not donate what it reads"


def test_a_step_that_forgets_to_average_does_not():
    state, _ = run(parallel.alone)
    assert len(set(parallel.replica_checksums(state, jax.devices()).tolist())) == 4


@pytest.mark.parametrize("replica", range(4))
def test_a_single_flipped_bit_is_noticed_and_its_replica_named(replica):
    devices = jax.devices()
    state = parallel.replicate({"w": np.linspace(-1, 1, 12, dtype=np.float32).reshape(3, 4), "n": np.int32(3)}, devices)
    copies = [np.array(shard.data) for shard in state["w"].addressable_shards]
    copies[replica].view(np.uint32)[1, 2] ^= 1
    parts = [jax.device_put(copy, device) for copy, device in zip(copies, devices, strict=True)]
    flipped = jax.make_array_from_single_device_arrays((3, 4), state["w"].sharding, parts)
    assert flipped.sharding.is_fully_replicated
    right = parallel.replica_checksums(state, devices)
    different = parallel.replica_checksums({**state, "w": flipped}, devices) != right
    assert different.tolist() == [i == replica for i in range(4)]


def test_checksums_are_compiled_once_for_devices_and_structure(monkeypatch):
    traces = []

    def counted(tree):
        traces.append(1)
        return jnp.uint32(len(tree))

    monkeypatch.setattr(parallel, "checksum", counted)
    parallel._gathered_checksums.cache_clear()
    for seed in range(3):
        parallel.replica_checksums([parallel.replicate(np.float32(seed), jax.devices())], jax.devices())
    parallel._gathered_checksums.cache_clear()
    assert len(traces) == 1
