"""The only place that knows how a step is spread over devices.

A step is written for one replica: `step(state, batch, key) -> (state, metrics)`. What it
must average over replicas it passes through the `average` function that it was made with:
`average_replicas` here, `alone` for a step that runs on one device without pmap.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.flatten_util
import numpy as np

from lesion_jax.disk import limits
from lesion_jax.errors import ConfigError
from lesion_jax.runtime.checksum import checksum

AXIS = "replica"
# Axis of populations; no collective runs along it. It has a name of its own because a sharding carries the name, and
# arrays that are put on devices under another name than pmap's would have the program compiled twice.
SLOTS = "slot"
# What `jax.devices()` holds; to a type checker jax.Device is a variable, not a type.
Device = Any


def alone(tree: Any) -> Any:
    """The average over one replica."""
    return tree


def average_replicas(tree: Any) -> Any:
    """The mean of a tree over all replicas; only inside a step given to `over_devices`."""
    return jax.lax.pmean(tree, AXIS)


def average_at_once(tree: Any) -> Any:
    """`average_replicas` as a single reduction, of float32 leaves: for CPUs.

    XLA reduces leaf by leaf there, some at a time. Of four deaths of a process in the middle of that, three let Gloo
    take the message of one reduction for another's and abort the process that was left, before JAX could say why; of
    fifteen in the middle of one reduction none did.
    """
    flat, unravel = jax.flatten_util.ravel_pytree(tree)
    return unravel(jax.lax.pmean(flat, AXIS))


def start_devices() -> list[Device]:
    """All devices of the run; starts JAX's backend where it does not run yet.

    Raises:
      ConfigError: The devices that are asked for cannot be used.
    """
    try:
        return jax.devices()
    # JAX asserts, without a word, where the plugin of a platform is not installed.
    except (RuntimeError, AssertionError) as error:
        reason = (str(error).splitlines() or ["it is not installed"])[0].split(" (set JAX_PLATFORMS")[0]
        platforms = jax.config.jax_platforms  # pyright: ignore[reportAttributeAccessIssue]
        raise ConfigError(
            f"JAX_PLATFORMS is {platforms or ''!r}, and JAX finds no such device that works here ({reason}); unset it, "
            "or set it to cpu."
        ) from error


def choose_devices(num_devices: int, batch_size: int) -> list[Device]:
    """The devices of a data-parallel run.

    Args:
      num_devices: Number of devices; 0 means all of them, those of other processes included.
      batch_size: Global batch, which they share evenly.

    Raises:
      ConfigError: No devices that work, more than there are, a process without any, or a batch that does not divide.
    """
    devices = start_devices()
    if num_devices > len(devices):
        raise ConfigError(
            f"num_devices is {num_devices}, but JAX sees {len(devices)} ({devices[0].platform}); "
            f"ask for at most {len(devices)}."
        )
    devices = devices[: num_devices or len(devices)]
    if len({device.process_index for device in devices}) < jax.process_count():
        raise ConfigError(
            f"num_devices is {num_devices}, which leaves some of {jax.process_count()} processes without a device; "
            "set it to 0 or start fewer processes."
        )
    if batch_size % len(devices):
        raise ConfigError(
            f"data.batch_size is {batch_size}, which does not divide over {len(devices)} devices; "
            "choose a multiple or set num_devices."
        )
    return devices


def choose_local_devices(num_devices: int) -> list[Device]:
    """The devices of this process that populations are spread over.

    Args:
      num_devices: Number of devices; 0 means all.

    Raises:
      ConfigError: No devices that work, or more than there are.
    """
    start_devices()
    devices = jax.local_devices()
    if num_devices > len(devices):
        raise ConfigError(
            f"num_devices is {num_devices}, but JAX sees {len(devices)} here ({devices[0].platform}); "
            f"ask for at most {len(devices)}."
        )
    return devices[: num_devices or len(devices)]


def memory_bytes(device: Device) -> int:
    """Bytes that a device has for us: an accelerator's own, or its share of half of the machine's."""
    stats = device.memory_stats() or {}
    return stats.get("bytes_limit") or limits.memory_bytes() // (2 * jax.local_device_count())


def over_devices(step: Callable, devices: list[Device]) -> Callable:
    """Spreads a one-replica step over devices; the state is replicated and donated.

    Args:
      step: step(state, batch, shared) -> (state, metrics), both results equal on all replicas. Shared is what a
        step needs besides its own part of a batch, such as the root key.
      devices: Devices from `choose_devices`.

    Returns:
      The same signature; batch leaves carry a leading device axis [D, B / D, ...], state,
      shared and metrics are unstacked. The state that is passed in is donated. With devices of several
      processes every process makes every call, with trees from `replicate` or an earlier call and
      from `shard_batch`; the results are arrays of the process's own devices.
    """
    # out_axes=None checks nothing: that the step really averages is proved by tests, shard by shard, and in a run
    # by `replica_checksums`. pmap leaves gradients as each replica took them, so their average is the mean; under
    # shard_map(check_vma=True) they arrive summed, and the same average would be too large by the device count; a
    # gradient of weights that is written out is refused there.
    return jax.pmap(
        step,
        axis_name=AXIS,
        in_axes=(None, 0, None),
        out_axes=(None, None),
        devices=devices,
        donate_argnums=(0,),
    )


def over_slots(program: Callable, devices: list[Device]) -> "SlotsProgram":
    """Runs a program of `population.make_program` on every device, each with its own slots.

    Nothing may use the axis: a test searches what is compiled for collectives.

    Args:
      program: program(states, images, keys, chosen, num_steps) -> (states, metrics).
      devices: D devices of this process.

    Returns:
      The same signature with a leading device axis [D, k, ..] on all but images. The states are donated; their
      shapes must follow from those of the other arguments.
    """
    return SlotsProgram(
        jax.pmap(program, axis_name=SLOTS, in_axes=(0, None, 0, 0, 0), devices=devices, donate_argnums=(0,))
    )


class SlotsProgram:
    """A function of pmap that is called as what it was compiled to: pmap's own call takes half as long again."""

    def __init__(self, function: Any):
        """Compiles nothing yet."""
        self.lower = function.lower
        self._known: dict[Any, Callable[..., Any]] = {}

    def prepare(self, states: Any, *rest: Any) -> Callable[[], None]:
        """Traces for arguments of these shapes; what it returns compiles, in another thread if one likes."""
        lowered = self.lower(states, *rest)

        def compile_it() -> None:
            self._known[_shapes(rest)] = lowered.compile()

        return compile_it

    def __call__(self, states: Any, *rest: Any) -> Any:
        """Compiles where it has not been, and runs; arguments as `over_slots` says."""
        shapes = _shapes(rest)
        if shapes not in self._known:
            self.prepare(states, *rest)()
        return self._known[shapes](states, *rest)


def _shapes(tree: Any) -> Any:
    return tuple(x.shape for x in jax.tree.leaves(tree))


def replicate(tree: Any, devices: list[Device]) -> Any:
    """Puts a host or single-device tree on every device, unstacked; what is passed in may be consumed.

    Args:
      tree: Arrays, the same in every process.
      devices: D devices, of one process or of several.

    Returns:
      Tree of arrays that claim to be replicated over the D devices; `replica_checksums` checks the claim.
    """
    placed = sharding(devices, AXIS, is_replicated=True)

    # Each process fills its own devices. Handed a sharding over several processes, device_put would first
    # compare the values of all of them over the network, leaf by leaf.
    copies = [jax.device_put(tree, device) for device in placed.addressable_devices]

    def join(*shards: jax.Array) -> jax.Array:
        return jax.make_array_from_single_device_arrays(shards[0].shape, placed, shards)

    return jax.tree.map(join, *copies)


def shard_batch(batch: Any, devices: list[Device]) -> Any:
    """Sends a host batch to the devices, contiguous slices in device order.

    Args:
      batch: Tree of numpy arrays [B, ...], the global batch, not to be written to any more: a CPU device may
        share its memory. Every process passes all of it and sends its own devices' slices.
      devices: D devices, of one process or of several; B is a multiple of D.

    Returns:
      Tree of device arrays [D, B / D, ...], sharded over the first axis. Does not wait.
    """
    placed = sharding(devices, AXIS)

    def put(leaf: np.ndarray) -> jax.Array:
        stacked = leaf.reshape(len(devices), -1, *leaf.shape[1:])
        return jax.make_array_from_callback(stacked.shape, placed, lambda index: stacked[index])

    return jax.tree.map(put, batch)


def sharding(devices: list[Device], axis: str, *, is_replicated: bool = False) -> jax.sharding.NamedSharding:
    """How an array [D, ...] lies on D devices: its first axis along an axis of that name, or all of it on each."""
    spec = jax.sharding.PartitionSpec() if is_replicated else jax.sharding.PartitionSpec(axis)
    return jax.sharding.NamedSharding(jax.sharding.Mesh(np.array(devices), (axis,)), spec)


def replica_checksums(tree: Any, devices: list[Device]) -> np.ndarray:
    """What each device holds of a tree that claims to be replicated, as one number each.

    A sharding only claims: a forgotten average leaves devices with different values under the same
    claim. Equal numbers prove the claim, bit by bit and shard by shard, but for a chance of 2^-32.
    Every process must call it, as any step; it waits for the tree.

    Args:
      tree: Tree from `replicate` or a step of `over_devices`; not donated.
      devices: Devices that it was spread over.

    Returns:
      uint32 [D] on the host, see `checksum.checksum`; the i-th is of devices[i], and every process
      sees all of them.
    """
    # pmap wants one argument that is mapped.
    mapped = shard_batch(np.zeros(len(devices), np.int8), devices)
    return np.asarray(first_replica(_gathered_checksums(tuple(devices))(tree, mapped)))


@functools.cache
def _gathered_checksums(devices: tuple[Device, ...]) -> Callable[[Any, jax.Array], jax.Array]:
    def gathered(tree: Any, _: jax.Array) -> jax.Array:
        return jax.lax.all_gather(checksum(tree), AXIS)

    return jax.pmap(gathered, axis_name=AXIS, in_axes=(None, 0), out_axes=None, devices=list(devices))


def first_replica(tree: Any) -> Any:
    """A replicated tree as seen by this process's first device, without a transfer between devices.

    Args:
      tree: Arrays from `replicate` or a step of `over_devices`.

    Returns:
      The same shapes and dtypes, on one device.
    """
    return jax.tree.map(lambda x: x.addressable_shards[0].data, tree)
