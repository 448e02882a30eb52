"""Reads grey PNG slices: 16 bits hold HU + 32768 (DeepLesion's convention), 8 bits hold the value as it is."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from lesion_jax.errors import DataError

OFFSET_16_BIT = 32768


def load_png(path: Path) -> np.ndarray:
    """Reads one slice.

    Args:
      path: A PNG file of one channel, 8 or 16 bits.

    Returns:
      int16 [R, C]: Hounsfield units of a 16-bit file, 0 to 255 of an 8-bit one.

    Raises:
      DataError: No such file, not a PNG, or not grey.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            mode, values = image.mode, np.asarray(image)
    except FileNotFoundError:
        raise DataError(f"{path} does not exist; the csv's `file` is relative to --input.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} is not a whole PNG file ({' '.join(str(error).split())}); copy it again.") from error
    if mode == "L":
        return values.astype(np.int16)
    if mode in ("I", "I;16"):
        return (values.astype(np.int32) - OFFSET_16_BIT).astype(np.int16)
    raise DataError(f"{path} is a PNG of mode {mode}; it must be grey, with 8 or 16 bits.")
