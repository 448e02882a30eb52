"""What images of several classes look like: rows of the first ones under each class's name, over a scale of grey."""

import math
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

from lesion_jax.core.types import Images
from lesion_jax.io.lettering import INK, PAPER, draw_scale, fitting, font
from lesion_jax.io.pictures import to_gray

_GAP, _HEAD, _SCALE = 4, 20, 44
# Room for the scale.
_WIDTH = 440


def class_picture(
    images: Images,
    class_names: Sequence[str],
    window: tuple[float, float],
    unit: str,
    *,
    most: int = 10,
    columns: int = 10,
    side: int = 96,
) -> Image.Image:
    """Draws the first images of each class that there is.

    Args:
      images: All of them.
      class_names: Name of each label.
      window: Pixels (low, high) that become black and white.
      unit: Title of the unit.
      most: Images of a class that are drawn.
      columns: Images in a row.
      side: About the side of an image on the screen, pixels: each of its own is drawn as a whole number of them.

    Returns:
      An RGB picture; the same images give the same pixels.
    """
    # Whole screen pixels for each of the image's: what is seen is what was drawn.
    zoom = max(1, round(side / images.pixels.shape[-1]))
    step = zoom * images.pixels.shape[-1] + _GAP
    found = [np.flatnonzero(images.labels == label) for label in range(len(class_names))]
    held = [(name, some) for name, some in zip(class_names, found, strict=True) if len(some)]
    columns = min(columns, most, max((len(some) for _, some in held), default=0))
    heights = [_HEAD + math.ceil(min(len(some), most) / columns) * step for _, some in held]
    width = max(_GAP + columns * step, _WIDTH)
    picture = Image.new("RGB", (width, _GAP + sum(heights) + _SCALE), PAPER)
    draw, top = ImageDraw.Draw(picture), _GAP
    for (name, some), height in zip(held, heights, strict=True):
        shown = some[:most]
        title = f"{name}: {len(shown)} of {len(some)} images"
        draw.text((_GAP, top), fitting(title, 14, width - 2 * _GAP), fill=INK, font=font(14))
        for number, index in enumerate(shown):
            gray = to_gray(images.pixels[index], window).repeat(zoom, 0).repeat(zoom, 1)
            row, column = divmod(number, columns)
            picture.paste(Image.fromarray(gray).convert("RGB"), (_GAP + column * step, top + _HEAD + row * step))
        top += height
    draw_scale(picture, (_GAP, top + 6), window, unit)
    return picture
