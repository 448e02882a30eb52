"""What a family draws by that puts real lesions together: those of its training patients, and nobody else's."""

import dataclasses
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import jax
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.core.types import Lesion
from lesion_jax.data.origins import Origins

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
        """The lesions of one class, a number in [0, C), in the order of the dataset; none where there are none."""
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


def composed(
    choose: Callable[[Context, jax.Array, np.ndarray], list[T]],
    image_of: Callable[[Context, T], np.ndarray],
    origin_of: Callable[[T], tuple[list[Lesion], Lesion]],
) -> dict[str, Any]:
    """`draw`, `origins` and `fit` of a family that learns nothing and makes images of training lesions.

    Args:
      choose: f(context, keys [N], labels int32 [N]) -> a plan for each image; plan i is a function of (context, key i,
        label i) alone.
      image_of: f(context, plan) -> int16 [H, H].
      origin_of: plan -> (lesions that the image shows, the lesion whose tissue it stands in).
    """

    def draw(config: Any, num_classes: int, arrays: Any, keys: jax.Array, labels: np.ndarray, context: Context | None):
        del config, num_classes, arrays
        assert context is not None
        plans = choose(context, keys, labels)
        return images_of(plans, lambda plan: image_of(context, plan), context.image_size)

    def origins(config: Any, num_classes: int, arrays: Any, keys: jax.Array, labels: np.ndarray, context: Context):
        del config, num_classes, arrays
        pairs = [origin_of(plan) for plan in choose(context, keys, labels)]
        return Origins.of([shown for shown, _ in pairs], [tissue for _, tissue in pairs])

    return {"draw": draw, "origins": origins, "fit": lambda config, images: {}}
