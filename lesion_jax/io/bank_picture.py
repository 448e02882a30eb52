"""What a bank looks like: a row of its first images for each class, and what their grey values mean."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from lesion_jax.core.types import Images
from lesion_jax.io.lettering import INK, PAPER, draw_scale, fitting, font
from lesion_jax.io.picture_file import png_bytes
from lesion_jax.io.pictures import to_gray

_MOST_SHOWN = 10
_SIDE, _GAP, _HEAD, _SCALE = 96, 4, 20, 44
_WIDTH = 440


def bank_picture(images: Images, class_names: Sequence[str], window: tuple[float, float], unit: str) -> bytes:
    """Draws the first ten images of each class that a bank holds.

    Args:
      images: The bank's.
      class_names: Name of each label.
      window: Pixels (low, high) that become black and white.
      unit: Title of the unit.

    Returns:
      A PNG; the same images give the same bytes.
    """
    # Whole screen pixels for each of the image's: what is seen is what was drawn.
    zoom = max(1, round(_SIDE / images.pixels.shape[-1]))
    side = zoom * images.pixels.shape[-1]
    rows = [np.flatnonzero(images.labels == label) for label in range(len(class_names))]
    held = [(name, row) for name, row in zip(class_names, rows, strict=True) if len(row)]
    columns = min(_MOST_SHOWN, max((len(row) for _, row in held), default=0))
    width, high = max(_GAP + columns * (side + _GAP), _WIDTH), _HEAD + side + _GAP
    picture = Image.new("RGB", (width, _GAP + len(held) * high + _SCALE), PAPER)
    draw = ImageDraw.Draw(picture)
    for place, (name, row) in enumerate(held):
        top = _GAP + place * high
        shown = row[:columns]
        title = f"{name}: {len(shown)} of {len(row)} images"
        draw.text((_GAP, top), fitting(title, 14, width - 2 * _GAP), fill=INK, font=font(14))
        for number, index in enumerate(shown):
            gray = to_gray(images.pixels[index], window).repeat(zoom, 0).repeat(zoom, 1)
            picture.paste(Image.fromarray(gray).convert("RGB"), (_GAP + number * (side + _GAP), top + _HEAD))
    draw_scale(picture, (_GAP, _GAP + len(held) * high + 6), window, unit)
    return png_bytes(picture)
