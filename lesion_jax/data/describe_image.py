"""How a lesion becomes a network's image, in words and numbers that suffice to do it in other software."""

from typing import Any

import numpy as np

from lesion_jax.config import DataConfig
from lesion_jax.core.types import UNITS, Lesion
from lesion_jax.data.augment import original
from lesion_jax.sources.grey_scale import PERCENTILES
from lesion_jax.sources.patches import MAX_EXTRA, MAX_MARGIN, MAX_SHIFT_PX, SPARE_PX, half_side

_SOURCES = {
    "HU": "a CT slice in Hounsfield units: stored values by the header's modality LUT or rescale, rounded and clipped "
    "to {limits}; padding outside of the scan is {limits[0]}; rows and columns as they are stored",
    "grey": "a greyscale image, values as they are stored; of DICOM other than CT, values v after the header's "
    f"modality LUT or rescale become 1000 (v - a) / (b - a), rounded, with a and b the {PERCENTILES[0]} and "
    f"{PERCENTILES[1]} percentile of each second row and column of all images of the series but padding (of 40 evenly "
    "chosen by SOPInstanceUID, where there are more), unless the notes of the dataset's card say which other numbers a "
    "and b are; rows and columns as they are stored",
}
# Of the example: pixels that are not square, a diameter in mm, a seed of its noise.
_SPACING_MM, _DIAMETER_MM, _SEED = (0.7, 0.8), 31.0, 0


def describe_image(data: DataConfig, unit: str) -> dict[str, Any]:
    """The steps from a slice to `pixels`, the input of a network.

    Args:
      data: Resolved config of a training's data.
      unit: Unit of the pixels.

    Returns:
      Plain values: side (pixels), margin (a share of the diameter), unit, and a sentence for each step, in which d is
      the lesion's diameter and spacing the distance of a slice's pixels along rows and columns, both in mm.
    """
    return {
        "side": data.image_size,
        "margin": data.margin,
        "unit": unit,
        "slice": _SOURCES[unit].format(limits=list(UNITS[unit].limits or ())),
        "patch": "the square of 2 h + 1 pixels of the slice around the pixel nearest to the lesion's centre, with "
        f"h = ceil((sqrt(2) d (0.5 + {MAX_MARGIN} + {MAX_EXTRA}) + sqrt(2) {MAX_SHIFT_PX} sqrt(row spacing * column "
        f"spacing)) / smaller spacing) + {SPARE_PX}; beyond the slice its edge pixels are repeated (beyond an image "
        "that is a lesion as a whole, it is mirrored)",
        "crop": "step = d (1 + 2 margin) / side, in mm; pixel (row, column) of the image is at centre + ((row, column) "
        "- (side - 1) / 2) * step / spacing, in pixels of the patch, counted from 0 at the middle of the first",
        "smoothing": "before that the patch, as float32, is smoothed by a Gaussian of max(0, (step / spacing - 1) / 2) "
        "pixels along rows and along columns (scipy.ndimage.gaussian_filter, mode='mirror')",
        "interpolation": "a cubic spline through the smoothed patch (scipy.ndimage.map_coordinates, order=3, "
        "mode='mirror'), rounded to whole numbers, halves to even, and clipped to the lowest and highest pixel of the "
        "patch before smoothing: int16",
        "window": "pixels are given to a network as they are: its own layers from_pixels and to_pixels hold the window",
        "example": {
            "spacing": list(_SPACING_MM),
            "diameter": _DIAMETER_MM,
            "centre": list(_example_of(unit).center),
            "arrays": "image.patch becomes image.pixels",
        },
    }


def example_image(data: DataConfig, unit: str) -> dict[str, np.ndarray]:
    """{"patch": int16 [S, S], "pixels": int16 [H, H]} of a made-up lesion, for who follows `describe_image`."""
    lesion = _example_of(unit)
    return {"patch": lesion.patch, "pixels": original(lesion, data.image_size, data.margin)}


def _example_of(unit: str) -> Lesion:
    half = half_side(_DIAMETER_MM, _SPACING_MM)
    low, high = UNITS[unit].window
    away = np.hypot(*np.meshgrid(*[np.arange(-half, half + 1) * mm for mm in _SPACING_MM], indexing="ij"))
    noise = np.random.default_rng(_SEED).normal(0, 0.05, away.shape)
    shade = np.where(away < _DIAMETER_MM / 2, 0.35, 0.65) + noise
    patch = np.rint(low + (high - low) * shade.clip(0, 1)).astype(np.int16)
    return Lesion("example", "example", 0, _DIAMETER_MM, _SPACING_MM, (half + 0.25, half - 0.4), patch)
