"""The states of a population's slots, sharded over devices, and the parts that single devices hold."""

from collections.abc import Sequence
from typing import Any

import jax

from lesion_jax.runtime import parallel
from lesion_jax.runtime.parallel import Device


def join_slots(trees: Sequence[Any], devices: list[Device]) -> Any:
    """One host tree per device -> one tree of sharded arrays.

    Args:
      trees: D trees of arrays of the same structure, shapes [...] and dtypes.
      devices: D devices of this process; the i-th gets the i-th tree.

    Returns:
      Tree of arrays [D, ...], sharded over the first axis.
    """
    placed = [jax.device_put(jax.tree.map(lambda x: x[None], t), d) for t, d in zip(trees, devices, strict=True)]
    return join_shards(placed, devices)


def shard_of(tree: Any, device: int) -> Any:
    """The part of a tree that one device holds, without a copy.

    Args:
      tree: Arrays [D, ...], sharded over the first axis.
      device: i, the number of a device of this process.

    Returns:
      Tree of arrays [1, ...] on that device.
    """
    return jax.tree.map(lambda x: x.addressable_shards[device].data, tree)


def join_shards(shards: Sequence[Any], devices: list[Device]) -> Any:
    """The inverse of `shard_of`, without a copy.

    Args:
      shards: D trees of arrays [1, ...], each on its device.
      devices: The D devices, in the same order.

    Returns:
      Tree of arrays [D, ...], sharded over the first axis.
    """
    sharding = parallel.sharding(devices, parallel.SLOTS)

    def join(*leaves: jax.Array) -> jax.Array:
        shape = (len(devices), *leaves[0].shape[1:])
        return jax.make_array_from_single_device_arrays(shape, sharding, list(leaves))

    return jax.tree.map(join, *shards)
