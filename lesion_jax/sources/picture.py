"""One image file as a viewer shows it: PNG, JPEG, TIFF or BMP."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, TiffImagePlugin

from lesion_jax.errors import DataError
from lesion_jax.sources.review import Doubt

# DIB is BMP without the file's header; MPO is JPEG with further images behind the first, as phones and cameras write.
_FORMATS = ("PNG", "JPEG", "MPO", "TIFF", "BMP", "DIB")
# Compressions are those of a TIFF, as Pillow names them.
_LOSSY_FORMATS, _LOSSY_COMPRESSIONS = ("JPEG", "MPO"), ("jpeg", "tiff_jpeg", "webp")
_PHOTOMETRIC, _WHITE_IS_ZERO = TiffImagePlugin.PHOTOMETRIC_INTERPRETATION, 0
_SAMPLE_FORMAT, _SIGNED = TiffImagePlugin.SAMPLEFORMAT, 2
# Of 12 bits, as scanners have them, which show as nearly black among 16.
_DARK = 1 << 12
_SIXTEEN_BITS = ("I;16", "I;16B", "I;16L", "I")
# What a build holds of an image that is looked at takes some 16 bytes a pixel.
_MOST_PIXELS = 1 << 26


def load_image(path: Path) -> tuple[np.ndarray, tuple[float, float] | None, list[Doubt]]:
    """Reads one image as a viewer shows it.

    Args:
      path: A file of one image, 8 bits grey or in colour, or 16 bits grey.

    Returns:
      Pixels [H, W] or [H, W, 3]; their range where it is not that of 8 bits; what is doubtful. 16 bits are halved, so
      that they fit into a dataset's.

    Raises:
      DataError: Not such an image.
    """
    try:
        # Pillow warns of odd metadata.
        with warnings.catch_warnings(action="ignore"), Image.open(path) as image:
            _check(path, image)
            doubts = [Doubt("lossy", f"{path} was compressed with loss")] if _is_lossy(image) else []
            is_inverted = image.mode in _SIXTEEN_BITS and _tag(image, _PHOTOMETRIC) == _WHITE_IS_ZERO
            image.load()
            # A camera's "turn me" is part of the picture.
            ImageOps.exif_transpose(image, in_place=True)
            if _is_transparent(image):
                doubts.append(Doubt("transparent", f"{path} is transparent in part"))
            mode, values = image.mode, np.asarray(image if image.mode in _SIXTEEN_BITS else _plain(image))
    except Image.DecompressionBombError as error:
        raise DataError(
            f"{path} has more than {_MOST_PIXELS / 1e6:.0f} million pixels; write it with fewer."
        ) from error
    except DataError:
        raise
    # Pillow has no exception of its own for what it cannot take apart.
    except Exception as error:
        raise DataError(
            f"{path} is not a whole image ({' '.join(str(error).split())}); copy it again, or convert it to PNG."
        ) from error
    if mode not in _SIXTEEN_BITS:
        return values, None, doubts
    if values.min() < 0 or values.max() > 0xFFFF:
        raise DataError(f"{path} has values from {values.min()} to {values.max()}; write it with 8 or 16 bits.")
    if values.max() < _DARK:
        doubts.append(Doubt("dark", f"{path} has 16 bits and no value above {values.max()}"))
    if is_inverted:
        # Pillow does so with 8 bits only.
        values = 0xFFFF - values
    return values >> 1, (0.0, 32767.0), [*doubts, Doubt("halved", f"{path} has 16 bits")]


def check_size(path: Path, image: Image.Image) -> None:
    """Refuses an image that would take more memory than there may be, before its pixels are read.

    Raises:
      DataError: It has too many pixels.
    """
    columns, rows = image.size
    if rows * columns > _MOST_PIXELS:
        raise DataError(
            f"{path} has {rows} x {columns} pixels, more than {_MOST_PIXELS / 1e6:.0f} million; write it with fewer."
        )


def _check(path: Path, image: Image.Image) -> None:
    """Refuses what Pillow can read and would not show as it is meant."""
    if image.format not in _FORMATS:
        raise DataError(f"{path} is a file of kind {image.format}; convert it to PNG.")
    check_size(path, image)
    if image.format != "MPO" and getattr(image, "n_frames", 1) != 1:
        raise DataError(f"{path} holds {getattr(image, 'n_frames', 1)} images; write each into a file.")
    if image.format == "TIFF":
        if _tag(image, _PHOTOMETRIC) is None:
            raise DataError(
                f"{path} does not say whether 0 is black or white (PhotometricInterpretation); write it anew."
            )
        if image.mode == "L" and _tag(image, _SAMPLE_FORMAT) == (_SIGNED,):
            raise DataError(f"{path} has numbers with a sign in 8 bits; write it with 16 bits, or without a sign.")
    # What Pillow reads of the file, as what.
    if image.format != "BMP" and ";16" in str(getattr(image, "tile", [])[:1]) and image.mode not in _SIXTEEN_BITS:
        raise DataError(
            f"{path} has 16 bits and colour or transparency, of which 8 would be read; write it grey and opaque, or "
            "with 8 bits."
        )


def _tag(image: Image.Image, tag: int) -> Any:
    return image.tag_v2.get(tag) if isinstance(image, TiffImagePlugin.TiffImageFile) else None


def _is_lossy(image: Image.Image) -> bool:
    return image.format in _LOSSY_FORMATS or (
        image.format == "TIFF" and image.info.get("compression") in _LOSSY_COMPRESSIONS
    )


def _is_transparent(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    if image.mode in _SIXTEEN_BITS:
        return image.info["transparency"] in np.asarray(image)
    return np.asarray(image.convert("RGBA").getchannel("A")).min() < 255


def _plain(image: Image.Image) -> Image.Image:
    if image.mode == "F":
        raise ValueError("its pixels are fractions")
    return image.convert("L" if image.mode in ("1", "L", "LA", "La") else "RGB")
