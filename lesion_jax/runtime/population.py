"""Many trainings of one shape in one compiled program, some on each device; the devices exchange nothing.

A training's step is the step that trains it alone. How the trainings of a device share its program is the packing:

- "one": one training per call of the program and device; a device that holds several calls it for each in turn.
- "unrolled": the program holds the step once per training.
- "map": one after another, by `lax.map`.
- "vmap": together; a convolution over K trainings' weights becomes a grouped convolution.
- "gemm": likewise, with convolutions that the networks write as matrix products, which then are batched ones.

Which is fastest depends on the device, its compiler and the networks: measure.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.runtime import parallel
from lesion_jax.runtime.slots import join_shards, join_slots, shard_of
from lesion_jax.runtime.steps import make_steps

Packing = Literal["one", "unrolled", "map", "vmap", "gemm"]
PACKINGS: tuple[Packing, ...] = ("one", "unrolled", "map", "vmap", "gemm")


def make_program(step: Callable[..., Any], packing: Packing) -> Callable[..., Any]:
    """What one device runs: some steps of each of its slots.

    Args:
      step: step(state, batch, key) -> (state, metrics), of one replica; see `families.base.Step`. For "gemm", of
        networks whose convolutions are matrix products.
      packing: How the slots share the program; the module lists the packings.

    Returns:
      program(states, images, keys, chosen, num_steps) -> (states, metrics) with k slots on the first axis of all but
      images: keys uint32 [k, 2] raw data of each training's root key; images {"pixels": int16 [N, H, H], "label":
      int32 [N]}, shared; chosen int32 [k, S, B], rows of the images of the batches of S steps; num_steps int32 [k],
      how many of these steps each training takes, 0 leaves its state as it is; metrics float32 [k, S].
    """
    steps = make_steps(step)

    def train(images: Any, state: Any, key: jax.Array, chosen: jax.Array, num_steps: jax.Array) -> tuple[Any, Any]:
        index = jnp.arange(chosen.shape[1], dtype=jnp.int32)
        return steps(state, images, jax.random.wrap_key_data(key), chosen, index, num_steps)

    def program(states: Any, images: Any, *rest: jax.Array) -> tuple[Any, Any]:
        arguments = (states, *rest)
        if packing in ("vmap", "gemm"):
            return jax.vmap(lambda *each: train(images, *each))(*arguments)
        if packing == "map":
            return jax.lax.map(lambda each: train(images, *each), arguments)
        slots = [train(images, *jax.tree.map(lambda x, m=m: x[m], arguments)) for m in range(len(rest[0]))]
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *slots)

    return program


class Population:
    """The states of the trainings under way, in slots on devices.

    Attributes:
      num_slots: Number of slots, K.
    """

    def __init__(
        self,
        run: Callable[..., Any],
        slots: Sequence[tuple[Any, jax.Array]],
        images: Any,
        devices: Sequence[Any],
        each: int,
    ):
        """Fills every slot.

        Args:
          run: Compiled by `parallel.over_slots` from a `make_program`.
          slots: (state, typed root key, a scalar) of each of K slots; states of one structure, of any dtypes, whose
            arrays are not consumed.
          images: {"pixels": int16 [N, H, H], "label": int32 [N]} on the host; copied to every device.
          devices: D devices of this process.
          each: k, slots that a device trains in one call; K is a multiple of D k, and the program is called K / (D k)
            times for a step of all.
        """
        self._run, self._devices, self._each = run, list(devices), each
        self._at_once = len(devices) * each
        self.num_slots = len(slots)
        if not slots or len(slots) % self._at_once:
            raise ValueError(f"{len(slots)} slots are no multiple of {len(devices)} devices with {each} each.")
        self._images = parallel.replicate(images, self._devices)
        rows = [slots[first : first + each] for first in range(0, len(slots), each)]
        stacked = [jax.tree.map(lambda *x: np.stack(x), *(jax.device_get(state) for state, _ in row)) for row in rows]
        self._rounds = [
            join_slots(stacked[first : first + len(devices)], self._devices)
            for first in range(0, len(stacked), len(devices))
        ]
        self._keys = np.stack([jax.random.key_data(key) for _, key in slots])

    def advance(self, chosen: np.ndarray, num_steps: np.ndarray) -> list[dict[str, jax.Array] | None]:
        """Starts the steps of every slot that has some to take; does not wait for the devices.

        Args:
          chosen: int32 [K, S, B], rows of the images of the batches of the next S steps of each slot.
          num_steps: int32 [K], how many of these steps each slot takes.

        Returns:
          Metrics for `read`, on the devices.
        """
        found: list[dict[str, jax.Array] | None] = []
        for number, first in enumerate(range(0, self.num_slots, self._at_once)):
            some = slice(first, first + self._at_once)
            if not num_steps[some].any():
                found.append(None)
                continue
            # Copies: a CPU device reads a host array's own memory, and later than this call returns.
            given = [
                np.array(x[some]).reshape(len(self._devices), self._each, *x.shape[1:])
                for x in (self._keys, chosen, num_steps)
            ]
            self._rounds[number], metrics = self._run(self._rounds[number], self._images, *given)
            found.append(metrics)
        return found

    def read(self, metrics: list[dict[str, jax.Array] | None]) -> list[dict[str, np.ndarray]]:
        """Waits for `advance`: metrics of each slot by name, float32 [S]; those of steps not taken mean nothing."""
        found: list[dict[str, np.ndarray]] = []
        for some in jax.device_get(metrics):
            flat = {name: x.reshape(self._at_once, -1) for name, x in some.items()} if some else {}
            found += [{name: x[at] for name, x in flat.items()} for at in range(self._at_once)]
        return found

    def state(self, slot: int) -> Any:
        """The state in a slot, on its device."""
        number, device, at = self._where(slot)
        return _taken(shard_of(self._rounds[number], device), at)

    def put(self, slot: int, state: Any, key: jax.Array) -> None:
        """Gives a slot to another training.

        Args:
          slot: Number of the slot; the training in it is lost.
          state: State of the new training, on the host or any device.
          key: Its root key.
        """
        number, device, at = self._where(slot)
        shards = [shard_of(self._rounds[number], d) for d in range(len(self._devices))]
        shards[device] = _replaced(shards[device], jax.device_put(state, self._devices[device]), at)
        self._rounds[number] = join_shards(shards, self._devices)
        self._keys[slot] = jax.random.key_data(key)

    def _where(self, slot: int) -> tuple[int, int, int]:
        number, rest = divmod(slot, self._at_once)
        return number, *divmod(rest, self._each)


@jax.jit
def _taken(shard: Any, at: int) -> Any:
    return jax.tree.map(lambda x: x[0, at], shard)


@functools.partial(jax.jit, donate_argnums=0)
def _replaced(shard: Any, state: Any, at: int) -> Any:
    return jax.tree.map(lambda x, y: x.at[0, at].set(y), shard, state)
