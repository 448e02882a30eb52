"""A real lesion into another image: crops that lie on one another, the mask, and tissue that fits along its edge.

Both crops come from native patches in one resampling each, turned and flipped each in its own way, as classic
augmentation does it.
"""

import dataclasses

import numpy as np

from lesion_jax.core.types import Lesion
from lesion_jax.data.augment import Variants, affine_maps, draw_variants, resample
from lesion_jax.families.context import Context

# The mask is a disc of 1.15 lesion radii, which `seam` takes back to one radius in places. Its edge fades over 2
# pixels, of the image or native ones: where a small lesion is enlarged, 2 pixels of the image would be a hairline.
MASK_RADIUS = 1.15
FEATHER_PX = 2.0


@dataclasses.dataclass(frozen=True, eq=False)
class View:
    """One lesion turned and flipped, at a place in the image.

    Attributes:
      lesion: The lesion; its diameter decides how large the crop is.
      angle: Rotation, radians.
      flip: float64 [2], +1 or -1 along rows and columns.
      offset: float64 [2], (row, column) of the lesion's centre from the middle of the image, pixels of the image.
    """

    lesion: Lesion
    angle: float
    flip: np.ndarray
    offset: np.ndarray


def classic_view(context: Context, lesion: Lesion, seed: int) -> View:
    """A random rotation, flip or shift of a lesion, as of one classic variant; never with more tissue.

    Args:
      context: How lesions are cropped.
      lesion: The lesion.
      seed: Seed of the draw.
    """
    drawn = draw_variants(lesion, seed)
    one = Variants(drawn.angle[:1], drawn.flip[:1], drawn.shift[:1], np.zeros(1))
    matrix, offset, _ = affine_maps(lesion, one, context.image_size, context.margin)
    at = np.linalg.solve(matrix[0], np.asarray(lesion.center) - offset[0])
    return View(lesion, float(one.angle[0]), one.flip[0], at - (context.image_size - 1) / 2)


def crop(context: Context, view: View) -> np.ndarray:
    """The image of a view: int16 [H, H] of side d (1 + 2 margin), in the dataset's unit.

    Raises:
      DataError: The patch holds too little context.
    """
    lesion = view.lesion
    step_mm = lesion.diameter_mm * (1 + 2 * context.margin) / context.image_size
    shift = -view.flip * view.offset * step_mm / np.sqrt(np.prod(lesion.spacing_mm))
    variant = Variants(np.array([view.angle]), view.flip[None], shift[None], np.zeros(1))
    return resample(lesion, variant, context.image_size, context.margin)[0]


def radius_px(context: Context) -> float:
    """Radius of every lesion in its image, pixels."""
    return context.image_size / (1 + 2 * context.margin) / 2


def feather(context: Context, *views: View) -> float:
    """Width of the mask's edge between views, in lesion radii: 2 pixels, of the image or native, whichever is wider."""
    native = max(max(view.lesion.spacing_mm) * 2 / view.lesion.diameter_mm for view in views)
    return FEATHER_PX * max(1 / radius_px(context), native)


def polar(context: Context, view: View) -> tuple[np.ndarray, np.ndarray]:
    """Where each pixel lies as seen from the lesion's centre.

    Returns:
      Distance in lesion radii and direction in radians, from the columns' axis towards higher rows: float64 [H, H].
    """
    side = np.arange(context.image_size) - (context.image_size - 1) / 2
    rows, columns = np.meshgrid(side - view.offset[0], side - view.offset[1], indexing="ij")
    return np.hypot(rows, columns) / radius_px(context), np.arctan2(rows, columns)


def insert(
    inside: np.ndarray,
    around: np.ndarray,
    away: np.ndarray,
    edge: np.ndarray,
    *,
    feather: float,
    level: float,
    share: np.ndarray | float = 1.0,
) -> np.ndarray:
    """A lesion in other surroundings.

    Args:
      inside: int16 [H, H], the image whose lesion is wanted.
      around: int16 [H, H], the image whose surroundings are wanted.
      away: float64 [H, H], distance from the lesion's centre, in lesion radii.
      edge: float64 [H, H], the mask's radius in each pixel's direction, in lesion radii.
      feather: Width of the mask's edge, in lesion radii.
      level: What the tissue of `around` has more than that of `inside`, in the dataset's unit.
      share: How much of the lesion is `inside`'s, in [0, 1]: a number or float64 [H, H].

    Returns:
      int16 [H, H], nowhere outside of the values of the two.
    """
    # The middle keeps its values, by which classes are told apart, and the rim takes the level of the tissue around; a
    # steeper way from one to the other would be seen as a ring.
    raised = inside + level * np.clip(away, 0, 1) ** 2
    weight = np.clip((edge - away) / feather + 0.5, 0, 1) * share
    low, high = min(inside.min(), around.min()), max(inside.max(), around.max())
    return np.rint(around + weight * (raised - around)).clip(low, high).astype(np.int16)
