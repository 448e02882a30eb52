"""How the steps of the loop are taken: two executors, a population of slots and one training over several devices."""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax
import numpy as np

from lesion_jax.core.state import TrainState
from lesion_jax.data.device_images import DeviceImages, Numbers
from lesion_jax.data.prefetch import prefetch_to_devices
from lesion_jax.errors import DivergedError
from lesion_jax.families.base import Program
from lesion_jax.runtime import parallel
from lesion_jax.runtime.population import Packing, Population, make_program
from lesion_jax.runtime.steps import make_steps
from lesion_jax.train.training import Training, program_on, step_alone

# Steps that a device takes in one call of its host. A CPU's convolutions lose their threads in a loop.
_STEPS_PER_CALL = {"cpu": 1}
_STEPS_PER_CALL_ELSEWHERE = 16

# (training, the state that it goes on from, on the host).
Entry = tuple[Training, TrainState]
# What an executor's `advance` returns, for its `read`.
Pending = Any


class Executor(Protocol):
    """Takes the steps of some trainings at once; each is in a slot.

    Attributes:
      num_slots: Number of slots, K.
      steps_per_call: Steps that a slot can take in one call, S; every call is the same compiled program.
    """

    num_slots: int
    steps_per_call: int

    def fill(self, entries: Sequence[Entry | None]) -> None:
        """Puts the first K trainings into the slots; an empty slot takes no steps. Called once, before the rest."""
        ...

    def put(self, slot: int, entry: Entry) -> None:
        """Gives a slot to another training."""
        ...

    def advance(self, num_steps: np.ndarray) -> Pending:
        """Starts num_steps[k] <= S steps in each slot k; does not wait for the devices.

        Args:
          num_steps: int32 [K], steps of each slot.
        """
        ...

    def read(self, pending: Pending) -> list[dict[str, np.ndarray]]:
        """Waits for a call: metrics of each slot, float32 [S] by name; those of steps not taken mean nothing."""
        ...

    def state(self, slot: int) -> TrainState:
        """The state in a slot, on one device.

        Raises:
          DivergedError: Devices that should hold the same state do not.
        """
        ...


def steps_per_call(device: parallel.Device) -> int:
    """Steps that a device takes in one call of its host."""
    return _STEPS_PER_CALL.get(device.platform, _STEPS_PER_CALL_ELSEWHERE)


@functools.cache
def compiled_population(
    program: Program, packing: Packing, devices: tuple[parallel.Device, ...]
) -> parallel.SlotsProgram:
    """The program that `Population` runs; compiled once for each shape of network.

    Args:
      program: Program of every training.
      packing: How the trainings of a device share the program; listed in `runtime.population`.
      devices: Devices that the trainings are spread over.
    """
    step = step_alone(program_on(program, devices[0].platform, packing))
    return parallel.over_slots(make_program(step, packing), list(devices))


class PopulationExecutor:
    """Trainings of one program, each on one device; see `Executor`."""

    def __init__(
        self,
        trainings: Sequence[Training],
        devices: Sequence[parallel.Device],
        *,
        num_slots: int,
        packing: Packing,
        images: DeviceImages,
    ):
        """Prepares; nothing is on a device yet.

        Args:
          trainings: All that will be in slots, of one program.
          devices: Devices of this process.
          num_slots: Trainings that are in slots at once; rounded up to what every call of the program takes.
          packing: How the trainings of a device share its program.
          images: Holds the images of all of them.
        """
        if len({training.program for training in trainings}) > 1:
            raise ValueError("The trainings of a population differ in what is compiled.")
        self._devices = tuple(devices)
        self._each = 1 if packing == "one" else math.ceil(num_slots / len(devices))
        at_once = len(devices) * self._each
        self.num_slots = math.ceil(num_slots / at_once) * at_once
        self.steps_per_call = steps_per_call(devices[0])
        self._run = compiled_population(trainings[0].program, packing, self._devices)
        self._images = images
        self._numbers: list[Numbers | None] = [None] * self.num_slots
        self._done = [0] * self.num_slots
        self._nothing = np.zeros((self.steps_per_call, trainings[0].config.data.batch_size), np.int32)

    def fill(self, entries: Sequence[Entry | None]) -> None:
        """See `Executor`."""
        some = next(entry for entry in entries if entry)
        # Every call has the same shape: an empty slot holds a copy that is not trained.
        slots = [(state, training.key) for training, state in (entry or some for entry in entries)]
        self._population = Population(self._run, slots, self._images.arrays(), self._devices, self._each)
        for slot, entry in enumerate(entries):
            if entry:
                self._begin(slot, entry)

    def put(self, slot: int, entry: Entry) -> None:
        """See `Executor`."""
        training, state = entry
        self._population.put(slot, state, training.key)
        self._begin(slot, entry)

    def _begin(self, slot: int, entry: Entry) -> None:
        training, state = entry
        self._numbers[slot] = Numbers(self._images.add(training.images.images), training.images.schedule)
        self._done[slot] = int(state.step)

    def advance(self, num_steps: np.ndarray) -> Pending:
        """See `Executor`."""
        chosen = np.stack(
            [
                numbers.take(self._done[slot], self.steps_per_call) if numbers and num_steps[slot] else self._nothing
                for slot, numbers in enumerate(self._numbers)
            ]
        )
        for slot, count in enumerate(num_steps.tolist()):
            self._done[slot] += count
        return self._population.advance(chosen, num_steps)

    def read(self, pending: Pending) -> list[dict[str, np.ndarray]]:
        """See `Executor`."""
        return self._population.read(pending)

    def state(self, slot: int) -> TrainState:
        """See `Executor`."""
        return self._population.state(slot)


@functools.cache
def compiled_data_parallel(program: Program, devices: tuple[parallel.Device, ...], *, is_streamed: bool) -> Callable:
    """The step of one training whose batches several devices share, see `parallel.over_devices`.

    Args:
      program: Program of one device.
      devices: Devices that share the batch.
      is_streamed: Whether it takes batches, step(state, batch, key) -> (state, metrics), or numbers of images:
        step(state, {"chosen": int32 [B, S], "index": int32 [B]}, (images, key, num_steps)) -> (state, metrics [S]).
    """
    platform = devices[0].platform
    if len(devices) == 1:
        # Statistics that are averaged over one device are rounded in another order than plain ones.
        average = parallel.alone
    else:
        average = parallel.average_at_once if platform == "cpu" else parallel.average_replicas
    program = program_on(program, platform, "one")
    step = (program if len(devices) == 1 else program.on_axis(parallel.AXIS)).make_step(average)
    if is_streamed:
        return parallel.over_devices(step, list(devices))
    steps = make_steps(step)

    def numbered(state: Any, numbers: dict[str, jax.Array], shared: tuple[Any, jax.Array, Any]) -> tuple[Any, Any]:
        images, key, num_steps = shared
        return steps(state, images, key, numbers["chosen"].T, numbers["index"], num_steps)

    return parallel.over_devices(numbered, list(devices))


class DataParallelExecutor:
    """One training whose batches several devices share, of this process or of several; see `Executor`."""

    num_slots = 1

    def __init__(self, training: Training, devices: Sequence[parallel.Device], *, is_streamed: bool):
        """Prepares; nothing is on a device yet.

        Args:
          training: The only training.
          devices: Devices that share its batches.
          is_streamed: Whether tf.data streams the batches; otherwise all images lie on every device.
        """
        self._devices, self._is_streamed = list(devices), is_streamed
        self._step = compiled_data_parallel(training.program, tuple(devices), is_streamed=is_streamed)
        self.steps_per_call = 1 if is_streamed else steps_per_call(devices[0])
        self._feed: Any = None

    def fill(self, entries: Sequence[Entry | None]) -> None:
        """See `Executor`."""
        ((training, state),) = [entry for entry in entries if entry]
        self._done, self._key = int(state.step), training.key
        self._state = parallel.replicate(state, self._devices)
        images, schedule = training.images.images, training.images.schedule
        if self._is_streamed:
            # Imports TensorFlow, which a caller that brings its own cohort has not needed until here.
            from lesion_jax.data.stream import make_batches

            batches = make_batches(images, schedule, start=self._done, stop=training.periods.total)
            self._feed = prefetch_to_devices(batches, self._devices)
        else:
            held = DeviceImages()
            self._feed = Numbers(held.add(images), schedule)
            self._images = parallel.replicate(held.arrays(), self._devices)
            self._index = np.arange(schedule.batch_size, dtype=np.int32)

    def put(self, slot: int, entry: Entry) -> None:
        """There is one training only."""
        raise NotImplementedError

    def advance(self, num_steps: np.ndarray) -> Pending:
        """See `Executor`."""
        count = int(num_steps[0])
        if self._is_streamed:
            self._state, metrics = self._step(self._state, next(self._feed), self._key)
        else:
            chosen = self._feed.take(self._done, self.steps_per_call)
            # The batch is divided over the devices, the steps are not.
            numbers = parallel.shard_batch({"chosen": chosen.T, "index": self._index}, self._devices)
            limit = None if self.steps_per_call == 1 else np.int32(count)
            self._state, metrics = self._step(self._state, numbers, (self._images, self._key, limit))
        self._done += count
        return metrics

    def read(self, pending: Pending) -> list[dict[str, np.ndarray]]:
        """See `Executor`."""
        return [{name: np.atleast_1d(np.asarray(x)) for name, x in jax.device_get(pending).items()}]

    def state(self, slot: int) -> TrainState:
        """See `Executor`."""
        del slot
        # A step that forgets to average leaves a state that calls itself replicated and is not.
        if len(set(parallel.replica_checksums(self._state, self._devices).tolist())) > 1:
            raise DivergedError(
                f"Step {self._done}: the {len(self._devices)} devices hold different weights; this is a defect of "
                "lesion_jax or of a device: run on one device, and report it."
            )
        return parallel.first_replica(self._state)
