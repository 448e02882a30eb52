"""Every lesion of a dataset with its mark, to be looked at: a PNG for each class, and one HTML page that holds all."""

import base64
import dataclasses
import html
import math
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from lesion_jax.disk.building import building_new
from lesion_jax.errors import RunError
from lesion_jax.io.lettering import INK, PAPER, draw_scale, fitting, font
from lesion_jax.io.picture_file import png_bytes
from lesion_jax.io.pictures import to_gray

_MARK = (255, 176, 0)
_GAP, _CAPTION, _HEAD = 6, 15, 76
# A picture of more is refused by viewers, and nobody needs it.
_MOST_PIXELS, _LEAST_SIDE = 60_000_000, 24
_STYLE = """
body { font: 15px/1.4 system-ui, sans-serif; color: #1a1a1a; margin: 1em 2em; }
h2 { border-bottom: 1px solid #ccc; } .all { display: flex; flex-wrap: wrap; gap: 8px; }
figure { margin: 0; width: SIDEpx; position: relative; } img { display: block; width: SIDEpx; height: SIDEpx; }
figcaption { font-size: 11px; overflow-wrap: anywhere; }
.mark { position: absolute; box-sizing: border-box; border: 1px solid #ffb000; border-radius: 50%; }
#marks:not(:checked) ~ section .mark { display: none; }
"""


@dataclasses.dataclass(frozen=True, eq=False)
class Sheet:
    """What is shown.

    Attributes:
      images: int16 [N, H, H], lesions in the middle.
      labels: Class of each.
      captions: A line for each.
      mark: Diameter of the marked lesion as a share of the side; 0 where there is no mark.
      class_names: Names of the classes.
      window: Pixels (low, high) that become black and white.
      unit: Title of the unit.
    """

    images: np.ndarray
    labels: Sequence[int]
    captions: Sequence[str]
    mark: float
    class_names: Sequence[str]
    window: tuple[float, float]
    unit: str

    def of_class(self, label: int) -> list[int]:
        """Which lesions are of a class."""
        return [index for index, own in enumerate(self.labels) if own == label]


def write_contact_sheet(out: Path, sheet: Sheet) -> None:
    """Writes OUT/index.html and a PNG for each class that has lesions.

    Args:
      out: Absent or an empty directory; it appears whole or not at all.
      sheet: What is shown.

    Raises:
      RunError: `out` holds something, or cannot be written.
    """
    with building_new(out, "--contact_sheet", RunError, may_be_empty=True) as folder:
        for label, name in enumerate(sheet.class_names):
            if sheet.of_class(label):
                # A name may hold whatever a file's name must not.
                plain = re.sub(r"\W+", "_", name)[:40]
                # More takes ten times as long, and noise stays as long.
                _picture(sheet, label).save(folder / f"{label}-{plain}.png", compress_level=1)
        (folder / "index.html").write_text(_page(sheet), encoding="utf-8")


def _picture(sheet: Sheet, label: int) -> Image.Image:
    some = sheet.of_class(label)
    columns, rows, side = _arranged(len(some), sheet.images.shape[-1])
    wide, high = side + _GAP, side + _GAP + _CAPTION
    picture = Image.new("RGB", (max(columns * wide + _GAP, 460), _HEAD + rows * high), PAPER)
    draw = ImageDraw.Draw(picture)
    title = f"{sheet.class_names[label]}: {len(some)} lesions"
    draw.text((_GAP, _GAP), fitting(title, 18, picture.width - 2 * _GAP), fill=INK, font=font(18))
    draw_scale(picture, (_GAP, 36), sheet.window, sheet.unit)
    for place, index in enumerate(some):
        left, top = _GAP + place % columns * wide, _HEAD + place // columns * high
        gray = Image.fromarray(to_gray(sheet.images[index], sheet.window))
        picture.paste(gray.resize((side, side), Image.Resampling.LANCZOS).convert("RGB"), (left, top))
        if sheet.mark:
            inset = side * (1 - sheet.mark) / 2
            draw.ellipse((left + inset, top + inset, left + side - 1 - inset, top + side - 1 - inset), outline=_MARK)
        draw.text((left, top + side + 1), fitting(sheet.captions[index], 10, side), fill=INK, font=font(10))
    return picture


def _arranged(num: int, side: int) -> tuple[int, int, int]:
    """Columns, rows, and the side of an image, smaller where there would be too many pixels."""
    columns = math.ceil(math.sqrt(num))
    rows = math.ceil(num / columns)
    most = math.sqrt(_MOST_PIXELS / (rows * columns)) - _GAP - _CAPTION
    return columns, rows, max(_LEAST_SIDE, min(side, int(most)))


def _page(sheet: Sheet) -> str:
    side = sheet.images.shape[-1]
    low, high = sheet.window
    parts = [
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>Contact sheet</title>',
        f"<style>{_STYLE.replace('SIDE', str(side))}</style></head><body><h1>Every lesion</h1>",
        f"<p>Black is {low:g}, white is {high:g}, in {html.escape(sheet.unit)}. "
        "Line N is that of the csv; file N is the Nth by path of those that hold lesions.</p>",
        '<input type="checkbox" id="marks" checked><label for="marks"> marks</label>' if sheet.mark else "",
    ]
    for label, name in enumerate(sheet.class_names):
        some = sheet.of_class(label)
        figures = "\n".join(_figure(sheet, index) for index in some)
        parts.append(
            f'<section><h2>{html.escape(name)}: {len(some)} lesions</h2><div class="all">{figures}</div></section>'
        )
    return "\n".join([*parts, "</body></html>\n"])


def _figure(sheet: Sheet, index: int) -> str:
    picture = Image.fromarray(to_gray(sheet.images[index], sheet.window))
    data, side = base64.b64encode(png_bytes(picture)).decode(), sheet.images.shape[-1]
    mark = ""
    if sheet.mark:
        inset, across = side * (1 - sheet.mark) / 2, side * sheet.mark
        place = f"left:{inset:.1f}px;top:{inset:.1f}px;width:{across:.1f}px;height:{across:.1f}px"
        mark = f'<div class="mark" style="{place}"></div>'
    caption = html.escape(sheet.captions[index])
    return f'<figure><img alt="" src="data:image/png;base64,{data}">{mark}<figcaption>{caption}</figcaption></figure>'
