"""What a family draws by that puts real lesions together: those of its training patients, and nobody else's."""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import jax
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.core.types import Lesion

T = TypeVar("T")
# Above every seed that a config may hold: what a key draws is no stream of the classic augmentation.
_ABOVE_SEEDS = 1 << 64


@dataclasses.dataclass(frozen=True, eq=False)
class Context:
    """The training lesions of a run, and how it crops them.

    Attributes:
      lesions: Lesions with wide patches, centres, diameters, patients and labels, in the order of the dataset; those
        of one class where the run is of one.
      image_size: Side H of the images, pixels.
      margin: Tissue around the lesion on each side, as a share of its diameter.
      unit: Unit of the pixels, a key of `core.types.UNITS`.
    """

    lesions: tuple[Lesion, ...]
    image_size: int
    margin: float
    unit: str

    @classmethod
    def of(cls, lesions: Sequence[Lesion], config: TrainingConfig, unit: str) -> "Context":
        """The context of a run with these training lesions."""
        return cls(tuple(lesions), config.data.image_size, config.data.margin, unit)

    def of_label(self, label: int) -> list[Lesion]:
        """The lesions of one class."""
        return [lesion for lesion in self.lesions if lesion.label == label]


def images_of(plans: Sequence[T], image_of: Callable[[T], np.ndarray], image_size: int) -> np.ndarray:
    """Images of plans, on every core.

    Args:
      plans: N of them; each holds what its image needs and nothing of the others.
      image_of: Makes one, int16 [H, H].
      image_size: Side H of the images, pixels.

    Returns:
      int16 [N, H, H], in the order of the plans.
    """
    pixels = np.empty((len(plans), image_size, image_size), np.int16)
    # Threads suffice: resampling runs outside the interpreter's lock.
    with ThreadPoolExecutor() as executor:
        for i, image in enumerate(executor.map(image_of, plans)):
            pixels[i] = image
    return pixels


def seeds_of(keys: jax.Array) -> list[int]:
    """One seed for each key, for drawing on the host with `data.draws`; at least 2^64.

    Args:
      keys: Keys [N].
    """
    words = np.asarray(jax.random.key_data(keys)).tolist()
    return [_ABOVE_SEEDS + (first << 32) + last for first, *_, last in words]
