"""Whether what was read can be lesions at all: the last look before anything is written.

It catches what no rule of a file format foresees, such as numbers at another offset, or rows and columns exchanged.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from lesion_jax.sources.base import RawLesion
from lesion_jax.sources.review import Doubt

# Air is -1000 HU; 12 bits above it end at 3071. Half of the pixels may be padding of any number.
_POSSIBLE_HU = (-1100, 3100)
_LEAST_SHARE = 0.5
# Where CT sees emphysema begin: what is below holds no tissue, in a lung neither.
_AIR_HU = -950
_LEAST_PIXELS = 2.0
# Around every lesion there is soft tissue, also where it is of bone or beside metal.
_DENSE_HU, _LEAST_TISSUE = 700, 0.02
# Fat ends here: what has nothing above is no lesion with what is around it, in a lung neither.
_THIN_HU, _LEAST_DENSE = -200, 0.005
# Of what a whole slice shows: from a hand or a temporal bone to the widest scanners.
_WHOLE, _FIELD_MM = 400, (50.0, 1000.0)
# Fewer may be small by chance; a cm is what clinics measure from.
_SOME, _CM_MM = 5, 10.0


def image_digest(pixels: np.ndarray) -> str:
    """Digest of an image's pixels, whatever file they came from.

    Args:
      pixels: int16 [H, W].
    """
    return hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def implausible(raw: RawLesion, center: tuple[float, float]) -> Doubt | None:
    """What makes it unlikely that a mark is a lesion, or None.

    Args:
      raw: A lesion with its patch as image.
      center: (row, column) of its centre in the patch.
    """
    spacing = raw.image.spacing_mm
    if raw.diameter_mm < _LEAST_PIXELS * min(spacing) and not raw.image.reflected:
        return Doubt(
            "size",
            f"{raw.where}: diameter_mm {raw.diameter_mm:g} is less than {_LEAST_PIXELS:g} pixels of {min(spacing):g} "
            f"mm of {raw.path}; is it in another unit?",
        )
    return (_implausible_hu(raw, center) if raw.image.unit == "HU" else None) or _flat(raw)


def _flat(raw: RawLesion) -> Doubt | None:
    low, high = raw.image.pixels.min(), raw.image.pixels.max()
    return Doubt("flat", f"{raw.where}: all pixels of {raw.path} there are {low}") if low == high else None


def _implausible_hu(raw: RawLesion, center: tuple[float, float]) -> Doubt | None:
    pixels = raw.image.pixels
    low, high = _POSSIBLE_HU
    if _share((pixels >= low) & (pixels <= high)) < _LEAST_SHARE:
        return Doubt(
            "range",
            f"{raw.where}: the pixels of {raw.path} around it lie from {pixels.min()} to {pixels.max()} HU, and most "
            f"outside of {low} to {high}, where all of a body lies; are they stored at another offset or scale?",
        )
    if _share(pixels < _DENSE_HU) < _LEAST_TISSUE:
        return Doubt(
            "range",
            f"{raw.where}: the pixels of {raw.path} around it lie from {pixels.min()} to {pixels.max()} HU, and nearly "
            f"all above {_DENSE_HU}, where no soft tissue is; are they stored at another offset, such as 1024 more?",
        )
    row, column = (round(value) for value in center)
    middle = float(np.median(pixels[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]))
    if middle < _AIR_HU:
        return Doubt(
            "air",
            f"{raw.where}: its centre in {raw.path} is air ({middle:.0f} HU); are row and column exchanged, counted "
            "from 1, or of another slice?",
        )
    if _share(pixels > _THIN_HU) < _LEAST_DENSE:
        return Doubt(
            "range",
            f"{raw.where}: the pixels of {raw.path} around it lie from {pixels.min()} to {pixels.max()} HU, and nearly "
            f"all below {_THIN_HU}, where no tissue is; are they stored at another offset, such as 1000 less?",
        )
    return None


def implausible_field(raw: RawLesion) -> Doubt | None:
    """What makes it unlikely that the distances of a CT slice are in mm, or None.

    Args:
      raw: A lesion in its whole image.
    """
    image = raw.image
    if image.unit != "HU" or min(image.pixels.shape) < _WHOLE:
        return None
    across = min(side * mm for side, mm in zip(image.pixels.shape, image.spacing_mm, strict=True))
    low, high = _FIELD_MM
    if low <= across <= high:
        return None
    return Doubt("field", f"{raw.path} is {across:g} mm across by its spacing; is that in another unit?")


def implausible_sizes(found: Sequence[RawLesion]) -> Doubt | None:
    """What makes it unlikely that all diameters are in mm, or None.

    Args:
      found: All lesions.
    """
    if len(found) < _SOME or found[0].image.reflected or (most := max(raw.diameter_mm for raw in found)) >= _CM_MM:
        return None
    return Doubt("small", f"the largest of {len(found)} lesions, {most:g} mm, is smaller than {_CM_MM:g} mm")


def _share(mask: np.ndarray) -> float:
    # As the mean, in a tenth of the time.
    return np.count_nonzero(mask) / mask.size
