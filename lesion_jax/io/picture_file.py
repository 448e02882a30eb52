"""Pictures as PNG files, without matplotlib."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from lesion_jax.disk.atomic import write_bytes, writing


def write_picture(path: Path, pixels: np.ndarray) -> None:
    """Writes a picture; a reader sees the old file or the whole new one.

    Args:
      path: PNG to write, in a folder that exists.
      pixels: uint8 [rows, columns] or [rows, columns, 3].

    Raises:
      RunError: It cannot be written.
    """
    with writing(path):
        write_bytes(path, png_bytes(Image.fromarray(pixels)))


def png_bytes(picture: Image.Image) -> bytes:
    """A PNG; the same pixels give the same bytes."""
    encoded = io.BytesIO()
    picture.save(encoded, format="PNG")
    return encoded.getvalue()
