"""Words and a scale of grey values in pictures."""

import functools
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont

INK, PAPER = (26, 26, 26), (255, 255, 255)
_BAR = (256, 12)


@functools.cache
def font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which has the letters of most alphabets.

    Args:
      size: Height, pixels.
    """
    return ImageFont.truetype(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size)


def fitting(text: str, size: int, width: int) -> str:
    """The text, its beginning left out where it is too wide: of a path the end tells most.

    Args:
      text: One line.
      size: See `font`.
      width: Room, pixels.
    """
    if font(size).getlength(text) <= width:
        return text
    while text and font(size).getlength(f"…{text}") > width:
        text = text[1:]
    return f"…{text}"


def draw_scale(picture: Image.Image, at: tuple[int, int], window: tuple[float, float], unit: str) -> None:
    """Draws what black, white and the grey between mean: 256 + about 150 pixels wide, 30 high.

    Args:
      picture: RGB, changed.
      at: Left and upper end.
      window: Pixels (low, high) that are black and white.
      unit: Title of the unit.
    """
    draw, (left, top), (width, height) = ImageDraw.Draw(picture), at, _BAR
    ramp = np.tile(np.arange(width, dtype=np.uint8), (height, 1))
    picture.paste(Image.fromarray(ramp).convert("RGB"), at)
    draw.rectangle((left, top, left + width - 1, top + height - 1), outline=INK)
    low, high = window
    for share in (0.0, 0.5, 1.0):
        x = left + round(share * (width - 1))
        draw.line((x, top + height, x, top + height + 3), fill=INK)
        anchor = {0.0: "la", 0.5: "ma", 1.0: "ra"}[share]
        draw.text((x, top + height + 4), f"{low + share * (high - low):g}", fill=INK, font=font(11), anchor=anchor)
    draw.text((left + width + 8, top + height // 2), unit, fill=INK, font=font(11), anchor="lm")
