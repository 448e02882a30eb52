import jax
import numpy as np
import pytest

from lesion_jax.data.prefetch import prefetch_to_devices


def _batches(taken, count):
    for i in range(count):
        taken.append(i)
        yield {"pixels": np.full((8, 2, 2), i, np.int16), "index": np.arange(8, dtype=np.int32)}


@pytest.mark.parametrize("count", [0, 1, 2, 3, 9])
def test_every_batch_arrives_once_in_order(count):
    devices = jax.devices()[:2]
    found = list(prefetch_to_devices(_batches([], count), devices))
    assert [int(batch["pixels"][0, 0, 0, 0]) for batch in found] == list(range(count))


def test_each_device_holds_its_contiguous_slice():
    devices = jax.devices()[:4]
    batch = next(prefetch_to_devices(_batches([], 1), devices))
    each = 8 // len(devices)
    assert batch["pixels"].shape == (len(devices), each, 2, 2) and batch["pixels"].dtype == np.int16
    for i, shard in enumerate(sorted(batch["index"].addressable_shards, key=lambda x: x.index[0].start or 0)):
        assert shard.device == devices[i]
        assert np.asarray(shard.data).ravel().tolist() == list(range(i * each, (i + 1) * each))


def test_it_stays_depth_batches_ahead():
    taken: list[int] = []
    stream = prefetch_to_devices(_batches(taken, 9), jax.devices()[:1], depth=3)
    next(stream)
    assert taken == [0, 1, 2, 3]
    next(stream)
    assert taken == [0, 1, 2, 3, 4]
