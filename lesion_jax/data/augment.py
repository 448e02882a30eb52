"""Classic augmentation (paper, section on classic augmentation), resampled once from the native patch.

Every ROI gets 30 rotations by a random angle in [0, 180] degrees; each rotated ROI is kept, flipped
3 ways, shifted 7 times and re-cropped 5 times with more tissue: 30 (1 + 3 + 7 + 5) = 480 variants.
Rotation, flip, shift, crop and resize are composed into one affine map from the pixels of the
result to the pixels of the patch, so that an image is interpolated once and never has corners
that come from nowhere.
"""

import dataclasses
import math
from collections.abc import Iterable

import numpy as np

from lesion_jax.core.types import Lesion
from lesion_jax.data import draws
from lesion_jax.errors import ConfigError, DataError

NUM_ROTATIONS = 30
NUM_FLIPS = 3
NUM_SHIFTS = 7
NUM_SCALES = 5
NUM_VARIANTS = NUM_ROTATIONS * (1 + NUM_FLIPS + NUM_SHIFTS + NUM_SCALES)
MAX_SHIFT_PX = 4.0
MAX_SHIFT_SHARE = 0.1
EXTRA_MARGIN = (0.1, 0.4)
# Crops of about the same size share a smoothed patch: the smoothing is then at most 5 % from the exact one.
_SIZE_CLASSES = 3


@dataclasses.dataclass(frozen=True)
class Variants:
    """How each variant of a lesion differs from the original; row i is variant i.

    Attributes:
      angle: float64 [480], radians.
      flip: float64 [480, 2], +1 or -1 along rows and columns of the rotated ROI.
      shift: float64 [480, 2], native pixels along rows and columns of the rotated ROI.
      extra: float64 [480], tissue added on each side, as a share of the diameter.
    """

    angle: np.ndarray
    flip: np.ndarray
    shift: np.ndarray
    extra: np.ndarray


def num_per_lesion(size: int, num_folds: int, num_lesions: int) -> int:
    """Augmented images per lesion that make a set of the paper's "per fold" size.

    Args:
      size: Images per fold; 0 for the originals alone.
      num_folds: Folds of the partition.
      num_lesions: Lesions in the whole dataset.

    Raises:
      ConfigError: More than the 480 that exist, or less than one.
    """
    num = round(size * num_folds / num_lesions)
    if num > NUM_VARIANTS:
        raise ConfigError(
            f"data.classic_size is {size}, which takes {num} variants of each of {num_lesions} lesions, but there are "
            f"{NUM_VARIANTS}; ask for at most {NUM_VARIANTS * num_lesions // num_folds}."
        )
    if size and not num:
        raise ConfigError(
            f"data.classic_size is {size}, less than one variant of each of {num_lesions} lesions; "
            f"ask for 0 or for at least {math.ceil(num_lesions / num_folds)}."
        )
    return num


def draw_variants(lesion: Lesion, seed: int) -> Variants:
    """The 480 variants of a lesion, in an order of which every beginning is a fair mixture.

    Args:
      lesion: Its identity and diameter matter, its pixels do not.
      seed: Seed of the augmentation.

    Returns:
      A function of (seed, lesion_id) and, for the largest shift min(4, 0.1 d) pixels, of the diameter.
    """

    def uniform(name: str, low: float, high: float, *shape: int) -> np.ndarray:
        unit = draws.uniform("augment", seed, lesion.lesion_id, name, count=math.prod(shape))
        return low + (high - low) * unit.reshape(shape)

    diameter_px = lesion.diameter_mm / _pixel_mm(lesion)
    reach = min(MAX_SHIFT_PX, MAX_SHIFT_SHARE * diameter_px)
    kinds = NUM_VARIANTS // NUM_ROTATIONS
    angle = np.repeat(uniform("rotation", 0.0, np.pi, NUM_ROTATIONS, 1), kinds, axis=1)
    flip = np.ones((NUM_ROTATIONS, kinds, 2))
    shift = np.zeros((NUM_ROTATIONS, kinds, 2))
    extra = np.zeros((NUM_ROTATIONS, kinds))
    flips, shifts = 1 + NUM_FLIPS, 1 + NUM_FLIPS + NUM_SHIFTS
    # Up-down, left-right, both.
    flip[:, 1:flips] = [(-1, 1), (1, -1), (-1, -1)]
    shift[:, flips:shifts] = uniform("shift", -reach, reach, NUM_ROTATIONS, NUM_SHIFTS, 2)
    extra[:, shifts:] = uniform("scale", *EXTRA_MARGIN, NUM_ROTATIONS, NUM_SCALES)
    order = draws.permutation("augment", seed, lesion.lesion_id, "order", count=NUM_VARIANTS)
    return Variants(
        angle.reshape(-1)[order], flip.reshape(-1, 2)[order], shift.reshape(-1, 2)[order], extra.reshape(-1)[order]
    )


def original(lesion: Lesion, image_size: int, margin: float) -> np.ndarray:
    """The ROI as it is: square in mm, side d (1 + 2 margin), resized.

    Args:
      lesion: One lesion.
      image_size: Side H of the result, pixels.
      margin: Tissue on each side, as a share of the diameter; at most what the patch holds.

    Returns:
      int16 [H, H], pixels in the dataset's unit.

    Raises:
      DataError: The patch holds too little context.
    """
    still = Variants(np.zeros(1), np.ones((1, 2)), np.zeros((1, 2)), np.zeros(1))
    return resample(lesion, still, image_size, margin)[0]


def augmented(lesion: Lesion, indices: Iterable[int], image_size: int, margin: float, seed: int) -> np.ndarray:
    """Variants of a lesion; variant i is a function of (seed, lesion, i), whatever else is asked for.

    Args:
      lesion: One lesion.
      indices: Numbers of the variants, 0 to 479.
      image_size: Side H of the result, pixels.
      margin: Tissue on each side, as a share of the diameter.
      seed: Seed of the augmentation.

    Returns:
      int16 [N, H, H], pixels in the dataset's unit, in the order of `indices`.

    Raises:
      DataError: The patch holds too little context.
      IndexError: There is no such variant.
    """
    chosen = np.fromiter(indices, np.int64)
    if len(chosen) and not 0 <= chosen.min() <= chosen.max() < NUM_VARIANTS:
        raise IndexError(f"Variants are 0 to {NUM_VARIANTS - 1}, got {chosen.min()} to {chosen.max()}.")
    drawn = draw_variants(lesion, seed)
    some = Variants(drawn.angle[chosen], drawn.flip[chosen], drawn.shift[chosen], drawn.extra[chosen])
    return resample(lesion, some, image_size, margin)


def affine_maps(
    lesion: Lesion, variants: Variants, image_size: int, margin: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the pixels of the results lie in the patch.

    Args:
      lesion: One lesion.
      variants: N of them.
      image_size: Side H of the results, pixels.
      margin: Tissue on each side, as a share of the diameter.

    Returns:
      matrix float64 [N, 2, 2] and offset float64 [N, 2]: pixel (row, column) of result n is at
      matrix[n] @ (row, column) + offset[n] in the patch; step float64 [N], mm between pixels of
      the result.
    """
    step = lesion.diameter_mm * (1 + 2 * margin + 2 * variants.extra) / image_size
    cos, sin = np.cos(variants.angle), np.sin(variants.angle)
    turn = np.stack([np.stack([cos, -sin], -1), np.stack([sin, cos], -1)], -2)
    # Rows in mm become rows in native pixels, which need not be square.
    turn = turn / np.asarray(lesion.spacing_mm)[:, None]
    matrix = turn * (step[:, None] * variants.flip)[:, None, :]
    middle = (image_size - 1) / 2
    shift = np.einsum("nij,nj->ni", turn, variants.shift * _pixel_mm(lesion))
    return matrix, np.asarray(lesion.center) + shift - middle * matrix.sum(-1), step


def _pixel_mm(lesion: Lesion) -> float:
    return math.sqrt(lesion.spacing_mm[0] * lesion.spacing_mm[1])


def resample(lesion: Lesion, variants: Variants, image_size: int, margin: float) -> np.ndarray:
    """Any variants of a lesion; each is a function of its own row alone.

    Args:
      lesion: One lesion.
      variants: N of them.
      image_size: Side H of the results, pixels.
      margin: Tissue on each side, as a share of the diameter.

    Returns:
      int16 [N, H, H], pixels in the dataset's unit.

    Raises:
      DataError: The patch holds too little context.
    """
    # Late: images that another run has kept need none of it, and it takes a fifth of a second.
    from scipy import ndimage

    matrix, offset, step = affine_maps(lesion, variants, image_size, margin)
    _check_inside(lesion, matrix, offset, image_size, margin)
    low, high = int(lesion.patch.min()), int(lesion.patch.max())
    found = np.empty((len(step), image_size, image_size), np.int16)
    # Bins by size of crop: 0 for the base crop, 1, 2, .. for the re-crops.
    low_extra, high_extra = EXTRA_MARGIN
    share = (variants.extra - low_extra) / (high_extra - low_extra)
    size_class = np.where(variants.extra > 0, 1 + np.floor(share * _SIZE_CLASSES).clip(0, _SIZE_CLASSES - 1), 0)
    splines: dict[tuple[float, float], np.ndarray] = {}
    for number in np.unique(size_class).astype(int):
        middle = low_extra + (number - 0.5) / _SIZE_CLASSES * (high_extra - low_extra) if number else 0.0
        side = lesion.diameter_mm * (1 + 2 * margin + 2 * middle)
        sigma = _smoothing(side / image_size, lesion.spacing_mm)
        if sigma not in splines:
            splines[sigma] = _spline(lesion.patch, sigma)
        for n in np.flatnonzero(size_class == number):
            image = ndimage.affine_transform(
                splines[sigma],
                matrix[n],
                offset[n],
                (image_size, image_size),
                output=np.float32,
                order=3,
                mode="mirror",
                prefilter=False,
            )
            # A cubic spline overshoots at edges; nothing brighter than the patch's brightest pixel is invented.
            found[n] = np.rint(image).clip(low, high)
    return found


def _check_inside(lesion: Lesion, matrix: np.ndarray, offset: np.ndarray, image_size: int, margin: float) -> None:
    ends = (0, image_size - 1)
    corners = np.array([(row, column) for row in ends for column in ends], np.float64)
    points = np.einsum("nij,cj->nci", matrix, corners) + offset[:, None]
    if len(points) and (points.min() < 0 or (points.max((0, 1)) > np.array(lesion.patch.shape) - 1).any()):
        raise DataError(
            f"Lesion {lesion.lesion_id}: its stored patch of {lesion.patch.shape[0]} x {lesion.patch.shape[1]} pixels "
            f"holds too little context for data.margin {margin}; choose a smaller margin or build the dataset again."
        )


def _smoothing(step_mm: float, spacing_mm: tuple[float, float]) -> tuple[float, float]:
    # Anti-aliasing where the image shrinks by a factor f: sigma (f - 1) / 2 native pixels, scikit-image's rule.
    row, column = (max(0.0, (step_mm / spacing - 1) / 2) for spacing in spacing_mm)
    return row, column


def _spline(patch: np.ndarray, sigma: tuple[float, float]) -> np.ndarray:
    from scipy import ndimage

    image = patch.astype(np.float32)
    if any(sigma):
        image = ndimage.gaussian_filter(image, sigma, mode="mirror")
    return ndimage.spline_filter(image, order=3, mode="mirror").astype(np.float32)
