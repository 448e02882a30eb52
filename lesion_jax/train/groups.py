"""Divides trainings into groups that share a compiled program: as few as shapes and a device's memory allow."""

import dataclasses
import math
from collections.abc import Sequence

from lesion_jax.config import TrainingConfig
from lesion_jax.config.program import program_key
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.training_images import resolve_window
from lesion_jax.errors import ConfigError
from lesion_jax.runtime import parallel
from lesion_jax.train.memory import images_bytes, training_bytes

_GIB = 2**30


@dataclasses.dataclass(frozen=True)
class Group:
    """Trainings that are one compiled program.

    Attributes:
      trainings: Positions of its trainings among all.
      slots_per_device: Trainings that a device holds at once.
      training_bytes: Bytes of one training's state and step.
      images_bytes: Bytes of the images on each device.
    """

    trainings: tuple[int, ...]
    slots_per_device: int
    training_bytes: int
    images_bytes: int

    @property
    def device_bytes(self) -> int:
        """Bytes of everything on a device whose slots are all taken."""
        return self.images_bytes + self.slots_per_device * self.training_bytes

    def refusal(self, device: parallel.Device) -> str | None:
        """Why a device cannot take it, in a sentence; None where it can."""
        memory = parallel.memory_bytes(device)
        if self.device_bytes <= memory:
            return None
        return (
            f"A program needs {self.device_bytes / _GIB:.2g} GiB on each device, but {device.device_kind} has "
            f"{memory / _GIB:.2g} GiB; choose a smaller width, or of a sweep a lower device_memory."
        )


def make_groups(
    configs: Sequence[TrainingConfig],
    cohort: Cohort,
    *,
    num_devices: int,
    device_memory: float,
    queue: bool = False,
) -> list[Group]:
    """Divides trainings by what they compile, then by what the devices hold.

    Args:
      configs: Configs of trainings on one dataset.
      cohort: The dataset.
      num_devices: Number of devices that each program is spread over.
      device_memory: Memory of each device, GiB.
      queue: Divide by what is compiled alone: trainings that find no slot wait until one is free.

    Returns:
      Groups in the order of their first trainings; a function of the arguments alone.

    Raises:
      ConfigError: One training needs more than a device has.
    """
    configs = [resolve_window(config, cohort) for config in configs]
    by_program: dict[str, list[int]] = {}
    for position, config in enumerate(configs):
        by_program.setdefault(program_key(config), []).append(position)
    groups = []
    for positions in by_program.values():
        some = [configs[p] for p in positions]
        each, images = training_bytes(some[0], cohort.lesions.num_classes), images_bytes(some, cohort)
        # What has no gradient steps puts nothing on a device.
        fit = int((device_memory * _GIB - images) // each) if each else len(positions)
        if fit < 1:
            raise ConfigError(
                f"A training of kind {some[0].kind!r} needs about {each / _GIB:.2g} GiB and "
                f"its images {images / _GIB:.2g} GiB, but a device has {device_memory:.2g} GiB (device_memory); "
                "choose a smaller width, data.batch_size or data.classic_size."
            )
        # No training waits for a slot while another device has a free one.
        at_once = len(positions) if queue else fit * num_devices
        num_groups = math.ceil(len(positions) / at_once)
        size = math.ceil(len(positions) / num_groups)
        for first in range(0, len(positions), size):
            trainings = tuple(positions[first : first + size])
            slots = min(fit, math.ceil(len(trainings) / num_devices))
            groups.append(Group(trainings, slots, each, images))
    return groups
