"""Whether what was read can be lesions at all: the last look before anything is written.

It catches what no rule of a file format foresees, such as numbers at another offset, rows and columns exchanged, or one
scan under two patients. All mistakes are named at once.
"""

import hashlib
from collections.abc import Sequence

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.sources.base import RawLesion

# Air is -1000 HU; 12 bits above it end at 3071. Half of the pixels may be padding of any number.
_POSSIBLE_HU = (-1100, 3100)
_LEAST_SHARE = 0.5
# Where CT sees emphysema begin: what is below holds no tissue, in a lung neither.
_AIR_HU = -950
_LEAST_PIXELS = 2.0
_MOST_SHOWN = 50


def image_digest(pixels: np.ndarray) -> str:
    """Digest of an image's pixels, whatever file they came from.

    Args:
      pixels: int16 [H, W].
    """
    return hashlib.sha256(f"{pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()


def check_plausible(found: Sequence[tuple[RawLesion, tuple[float, float], str]]) -> None:
    """Refuses what cannot be lesions, and images that two patients share.

    Args:
      found: (lesion with its patch as image, (row, column) of its centre in the patch, `image_digest` of the image that
        it was cut from) of each.

    Raises:
      DataError: Names the first fifty, what is wrong with each, and how many there are.
    """
    wrong = [f"{raw.where}: {reason}" for raw, center, _ in found if (reason := _implausible(raw, center))]
    first: dict[str, RawLesion] = {}
    for raw, _, digest in found:
        other = first.setdefault(digest, raw)
        if other.image.patient != raw.image.patient:
            wrong.append(
                f"{raw.where}: {raw.path} has the very pixels of {other.path}, which is another patient's "
                f"({other.where}); give both the same patient, or folds would share it."
            )
    if wrong:
        more = f"\n... and {len(wrong) - _MOST_SHOWN} more" if len(wrong) > _MOST_SHOWN else ""
        count = f"{len(wrong)} marks cannot be right:\n" if len(wrong) > 1 else ""
        raise DataError(count + "\n".join(wrong[:_MOST_SHOWN]) + more)


def _implausible(raw: RawLesion, center: tuple[float, float]) -> str | None:
    pixels, spacing = raw.image.pixels, raw.image.spacing_mm
    if raw.diameter_mm < _LEAST_PIXELS * min(spacing):
        return (
            f"diameter_mm {raw.diameter_mm:g} is less than {_LEAST_PIXELS:g} pixels of {min(spacing):g} mm of "
            f"{raw.path}; is it in another unit?"
        )
    if raw.image.unit != "HU":
        return None
    low, high = _POSSIBLE_HU
    if np.mean((pixels >= low) & (pixels <= high)) < _LEAST_SHARE:
        return (
            f"the pixels of {raw.path} around it lie from {pixels.min()} to {pixels.max()} HU, and most outside of "
            f"{low} to {high}, where all of a body lies; are they stored at another offset or scale?"
        )
    row, column = (round(value) for value in center)
    middle = float(np.median(pixels[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]))
    if middle < _AIR_HU:
        return (
            f"its centre in {raw.path} is air ({middle:.0f} HU); are row and column exchanged, counted from 1, or of "
            "another slice?"
        )
    return None
