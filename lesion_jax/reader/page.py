"""The page that readers open: one HTML file without network, library or anything that tells real from synthetic.

Images lie in it as PNG data of 8-bit grey values, windowed alike, without metadata and *uncompressed*: compressed ones
would be longer for noisier images, and synthetic ones are smoother. They have numbers, in an order that was shuffled
with a seed that the page does not hold; the page shows them to each reader in an order of its own. The browser enlarges
all in one way. Neither names, counts nor sizes differ by source; a test reads them off the page.
"""

import base64
import hashlib
import importlib.resources
import io
import json
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from lesion_jax.io.pictures import to_gray

_PARTS = importlib.resources.files("lesion_jax.reader")


def make_content(
    pixels: np.ndarray, class_names: Sequence[str], *, unit: str, window: tuple[float, float], zoom: int
) -> dict[str, Any]:
    """All that the page knows.

    Args:
      pixels: int16 [N, H, H], in the dataset's unit.
      class_names: C names.
      unit: Title of the unit.
      window: Pixels (low, high) that become black and white.
      zoom: Screen pixels (CSS) per image pixel.

    Returns:
      {class_names, unit, window, side: of the image on the screen, images: [N] PNGs in base64}.
    """
    return {
        "class_names": list(class_names),
        "unit": unit,
        "window": list(window),
        "side": zoom * pixels.shape[-1],
        "images": [base64.b64encode(_png(gray)).decode() for gray in to_gray(pixels, window)],
    }


def identity(content: dict[str, Any]) -> str:
    """Name of a page, by which its answers and key are known: a digest of what it shows, not of the truth.

    Were the truth in it, it could be found by trying.
    """
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def make_page(content: dict[str, Any]) -> str:
    """The HTML of a page.

    Args:
      content: See `make_content`.
    """
    # A class name such as "</script>" ends nothing.
    data = json.dumps({"page": identity(content), **content}).replace("<", "\\u003c")
    page = _read("page.html")
    for mark, text in (("STYLE", _read("page.css")), ("SCRIPT", _read("page.js")), ("CONTENT", data)):
        page = page.replace(f"@{mark}@", text)
    return page


def decode(png: str) -> np.ndarray:
    """One of a content's images, uint8 [H, H].

    Raises:
      ValueError, OSError: It is no such image.
    """
    with Image.open(io.BytesIO(base64.b64decode(png, validate=True))) as image:
        return np.asarray(image.convert("L"))


def _png(gray: np.ndarray) -> bytes:
    found = io.BytesIO()
    Image.fromarray(gray).save(found, "png", compress_level=0)
    return found.getvalue()


def _read(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")
