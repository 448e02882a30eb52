"""What a step of one training takes: not asked, timed on the device at hand, or as compiled for one that is not here.

Each is called as estimate(config, group) -> (seconds per step of one training, or None; bytes on each device; what the
compiler says of a step, or None), and has `method`, a sentence about it, and `refusals`, why a program does not fit.
"""

from collections.abc import Callable
from typing import Any, Literal

import jax
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.config.program import program_key
from lesion_jax.data.cohort import Cohort
from lesion_jax.families import family_of
from lesion_jax.runtime import parallel
from lesion_jax.runtime.population import Packing
from lesion_jax.train.groups import Group
from lesion_jax.train.packing import known_packing, measure_packing
from lesion_jax.train.training import make_program

_GIB = 2**30


class Count:
    """Finds out no times."""

    method = "times not measured"
    refusals = ()

    def __call__(self, config: TrainingConfig, group: Group) -> tuple[float | None, int, None]:
        """No time."""
        del config
        return None, group.device_bytes, None


class Stopwatch:
    """Times a few steps of each shape on the device at hand."""

    def __init__(
        self, num_devices: int, packing: Packing | Literal["auto"], cohort: Cohort, tell: Callable[[str], None]
    ):
        """Takes the devices that are here; for arguments see `plan.Planner`."""
        # A sweep for more devices than there are here, as on a login node, is timed on those that there are.
        self._devices = tuple(parallel.choose_local_devices(min(num_devices, jax.local_device_count())))
        self._share = len(self._devices) / (num_devices or len(self._devices))
        self._packing: Packing | Literal["auto"] = packing
        self._cohort, self._tell = cohort, tell
        self._found: dict[tuple[str, int], float] = {}
        self.refusals: list[str] = []
        self.method = f"a few steps on {len(self._devices)} x {self._devices[0].device_kind}"
        if self._share < 1:
            self.method += f", as if on {num_devices}"

    def __call__(self, config: TrainingConfig, group: Group) -> tuple[float | None, int, None]:
        """The time of a few calls, measured once for each shape."""
        if refusal := group.refusal(self._devices[0]):
            self.refusals.append(refusal)
            return None, group.device_bytes, None
        key = program_key(config), group.slots_per_device
        if key not in self._found:
            init = family_of(config).init_state
            assert init is not None
            self._tell(f"measuring {config.kind}, {group.slots_per_device} slots")
            program, size = make_program(config, self._cohort.lesions.num_classes), config.data.image_size
            images = {"pixels": np.zeros((8, size, size), np.int16), "label": np.zeros(8, np.int32)}
            packing = self._packing
            if packing == "auto":
                packing = known_packing(self._devices[0].platform, group.slots_per_device)
            num_slots = len(self._devices) * (1 if packing == "one" else group.slots_per_device)
            state = jax.device_get(init(config, program, None))
            batch_size = config.data.batch_size
            measured = measure_packing(program, state, packing, images, self._devices, num_slots, batch_size)
            self._found[key] = measured["seconds_per_step"] * self._share
        return self._found[key], group.device_bytes, None


class Compiler:
    """Compiles each shape for a chip that is not here."""

    def __init__(
        self,
        topology: str,
        num_devices: int,
        packing: Packing | Literal["auto"],
        cohort: Cohort,
        tell: Callable[[str], None],
    ):
        """Compiles nothing yet; for arguments see `plan.Planner`."""
        self._num_devices = num_devices
        self._packing: Packing | Literal["auto"] = packing
        self._topology, self._cohort, self._tell = topology, cohort, tell
        self._found: dict[tuple[str, int, int], Any] = {}
        self.refusals: list[str] = []
        self.method = f"compiled for {topology}, at the peak of its arithmetic or memory: a lower limit"

    def __call__(self, config: TrainingConfig, group: Group) -> tuple[float, int, dict[str, float]]:
        """The lower limit of the time; compiled once for each shape and number of images."""
        # Late: it needs an environment that is set before JAX starts.
        from lesion_jax.sweep.absent_devices import compile_for

        key = program_key(config), group.slots_per_device, group.images_bytes
        if key not in self._found:
            self._tell(f"compiling {config.kind}, {group.slots_per_device} trainings for a chip")
            self._found[key] = compile_for(
                self._topology,
                config,
                num_classes=self._cohort.lesions.num_classes,
                num_trainings=group.slots_per_device,
                num_images=group.images_bytes // (2 * config.data.image_size**2),
                packing=None if self._packing == "auto" else self._packing,
            )
        found = self._found[key]
        if self._num_devices > found.num_devices:
            self.refusals.append(
                f"num_devices is {self._num_devices}, but {self._topology} has {found.num_devices} chips; name a "
                "larger --topology."
            )
        if found.device_bytes > found.memory:
            self.refusals.append(
                f"A program needs {found.device_bytes / _GIB:.2f} GiB on each chip, but {found.kind} has "
                f"{found.memory / _GIB:.0f} GiB; choose a smaller width, or of a sweep a lower device_memory."
            )
        compiled = {
            "gflop": found.flops / 1e9,
            "needed_gflop": found.needed_flops / 1e9,
            "gigabytes": found.bytes_moved / 1e9,
            "collectives": found.num_collectives,
        }
        if found.num_kernels is not None:
            compiled["kernels"] = found.num_kernels
        if found.likely_seconds is not None:
            compiled["likely_ms"] = 1e3 * found.likely_seconds
        return found.seconds / (group.slots_per_device * self._num_devices), found.device_bytes, compiled
