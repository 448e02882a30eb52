"""The only place that knows how a step is spread over devices.

A step is written for one replica: `step(state, batch, key) -> (state, metrics)`. What it
must average over replicas it passes through the `average` function that it was made with:
`average_replicas` here, `alone` for a step that runs on one device without pmap.
"""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from lesion_jax.errors import ConfigError

AXIS = "replica"
# What `jax.devices()` holds; to a type checker jax.Device is a variable, not a type.
Device = Any


def alone(tree: Any) -> Any:
    """The average over one replica."""
    return tree


def average_replicas(tree: Any) -> Any:
    """The mean of a tree over all replicas; only inside a step given to `over_devices`."""
    return jax.lax.pmean(tree, AXIS)


def choose_devices(num_devices: int, batch_size: int) -> list[Device]:
    """The devices of a data-parallel run.

    Args:
      num_devices: How many to use; 0 means all of them.
      batch_size: Global batch, which they share evenly.

    Raises:
      ConfigError: More devices than there are, or a batch that does not divide.
    """
    devices = jax.devices()
    if num_devices > len(devices):
        raise ConfigError(
            f"num_devices is {num_devices}, but JAX sees {len(devices)} ({devices[0].platform}); "
            f"ask for at most {len(devices)}."
        )
    devices = devices[: num_devices or len(devices)]
    if batch_size % len(devices):
        raise ConfigError(
            f"data.batch_size is {batch_size}, which does not divide over {len(devices)} devices; "
            "choose a multiple or set num_devices."
        )
    return devices


def over_devices(step: Callable, devices: list[Device]) -> Callable:
    """Spreads a one-replica step over devices; the state is replicated and donated.

    Args:
      step: step(state, batch, key) -> (state, metrics), both results equal on all replicas.
      devices: From `choose_devices`.

    Returns:
      The same signature; batch leaves carry a leading device axis [D, B / D, ...], state,
      key and metrics are unstacked. The state that is passed in is donated.
    """
    # out_axes=None checks nothing: that the step really averages is proved by tests, shard by shard.
    return jax.pmap(
        step,
        axis_name=AXIS,
        in_axes=(None, 0, None),
        out_axes=(None, None),
        devices=devices,
        donate_argnums=(0,),
    )


def replicate(tree: Any, devices: list[Device]) -> Any:
    """Puts a host or single-device tree on every device, unstacked."""
    mesh = jax.sharding.Mesh(np.array(devices), (AXIS,))
    return jax.device_put(tree, jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec()))


def shard_batch(batch: Any, devices: list[Device]) -> Any:
    """Sends a host batch to the devices, contiguous slices in device order.

    Args:
      batch: Tree of numpy arrays [B, ...].
      devices: D devices; B is a multiple of D.

    Returns:
      Tree of device arrays [D, B / D, ...], sharded over the first axis. Does not wait.
    """
    mesh = jax.sharding.Mesh(np.array(devices), (AXIS,))
    sharding = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec(AXIS))

    def put(leaf: np.ndarray) -> jax.Array:
        return jax.device_put(leaf.reshape(len(devices), -1, *leaf.shape[1:]), sharding)

    return jax.tree.map(put, batch)


def first_replica(tree: Any) -> Any:
    """A replicated tree as seen by the first device, without a transfer between devices."""
    return jax.tree.map(lambda x: x.addressable_shards[0].data, tree)
