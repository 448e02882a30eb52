"""The patch around a lesion that is kept of its slice."""

import math

import numpy as np

# Tissue on each side of the lesion that a config may ask for at most, as a share of the diameter.
MAX_MARGIN = 0.5
# What classic augmentation adds to that (paper, section 2): re-crops take up to 0.4 d more, shifts up to 4 pixels.
MAX_EXTRA = 0.4
MAX_SHIFT_PX = 4
# Pixels beyond the outermost sample, so that the spline never meets the patch's border.
SPARE_PX = 4


def half_side(diameter_mm: float, spacing_mm: tuple[float, float]) -> int:
    """Pixels from the centre to the border of a patch that holds every classic augmentation.

    A crop of side d (1 + 2 (margin + extra)) stays inside under any rotation, hence the square root of 2.

    Args:
      diameter_mm: Lesion diameter d, mm.
      spacing_mm: (row, column) distance between pixel centres, mm.
    """
    reach_mm = math.sqrt(2) * diameter_mm * (0.5 + MAX_MARGIN + MAX_EXTRA)
    # A shift counts square pixels of the same area, and may lie along the finer axis.
    shift_mm = math.sqrt(2) * MAX_SHIFT_PX * math.sqrt(spacing_mm[0] * spacing_mm[1])
    return math.ceil((reach_mm + shift_mm) / min(spacing_mm)) + SPARE_PX


def cut_patch(
    pixels: np.ndarray, row: float, column: float, half: int, *, reflected: bool = False
) -> tuple[np.ndarray, tuple[float, float]]:
    """Cuts an odd square at native resolution; beyond the slice its edge pixels are repeated, or it is reflected.

    Args:
      pixels: int16 [R, C].
      row: Row of the lesion's centre, 0-based pixel index, sub-pixel.
      column: Its column, likewise.
      half: Pixels on each side of the pixel that is nearest to the centre.
      reflected: Whether the slice goes on as its mirror image.

    Returns:
      int16 [2 half + 1, 2 half + 1], and the (row, column) of the lesion's centre in it.
    """
    nearest = round(row), round(column)
    center = (half + row - nearest[0], half + column - nearest[1])
    inside = tuple(slice(at - half, at + half + 1) for at in nearest)
    if all(one.start >= 0 and one.stop <= size for one, size in zip(inside, pixels.shape, strict=True)):
        return pixels[inside].copy(), center
    beyond = _mirrored if reflected else _repeated
    rows, columns = (
        beyond(np.arange(at - half, at + half + 1), size) for at, size in zip(nearest, pixels.shape, strict=True)
    )
    return pixels[np.ix_(rows, columns)], center


def _repeated(index: np.ndarray, size: int) -> np.ndarray:
    return np.clip(index, 0, size - 1)


def _mirrored(index: np.ndarray, size: int) -> np.ndarray:
    # As numpy.pad's "symmetric": the edge itself is seen twice.
    within = index % (2 * size)
    return np.minimum(within, 2 * size - 1 - within)
