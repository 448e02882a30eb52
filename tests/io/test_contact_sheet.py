"""Every lesion is on the sheet, with its mark, in one page that needs nothing else."""

import base64
import dataclasses
import html.parser
import io

import numpy as np
import pytest
from PIL import Image

from lesion_jax.errors import RunError
from lesion_jax.io import contact_sheet
from lesion_jax.io.contact_sheet import Sheet, write_contact_sheet

SHEET = Sheet(
    images=np.stack([np.full((64, 64), value, np.int16) for value in (-160, 40, 240)]),
    labels=[0, 1, 0],
    captions=["line 2", "line 3", "<b>line 4"],
    mark=0.5,
    class_names=("cyst/<script>", "b", "none"),
    window=(-160.0, 240.0),
    unit="Hounsfield units",
)


class Page(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.sources, self.words = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data):
        self.words.append(data.strip())


def gray_of(source):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.removeprefix("data:image/png;base64,")))))


def test_the_page_holds_every_lesion_and_asks_for_nothing(tmp_path):
    write_contact_sheet(tmp_path / "sheet", SHEET)
    page = Page((tmp_path / "sheet/index.html").read_text())
    assert [np.unique(gray_of(source)).tolist() for source in page.sources] == [[0], [255], [128]]
    assert [word for word in page.words if "line" in word] == ["line 2", "<b>line 4", "line 3"]
    assert not any(tag == "script" for tag, _ in page.tags) and "cyst/<script>: 2 lesions" in page.words
    marks = [attrs["style"] for tag, attrs in page.tags if attrs.get("class") == "mark"]
    assert marks == ["left:16.0px;top:16.0px;width:32.0px;height:32.0px"] * 3


def test_a_picture_for_each_class_that_has_lesions_shows_them_in_their_window(tmp_path):
    write_contact_sheet(tmp_path / "sheet", SHEET)
    names = {path.name for path in (tmp_path / "sheet").iterdir()}
    assert names == {"index.html", "0-cyst_script_.png", "1-b.png"}
    picture = np.asarray(Image.open(tmp_path / "sheet/0-cyst_script_.png"))
    first, second = picture[76:140, 6:70], picture[76:140, 76:140]
    # The middle of the ROI is its own, the mark a circle of half its width around it.
    assert (first[32, 32] == 0).all() and (second[32, 32] == 255).all()
    for roi in (first, second):
        is_mark = (roi == (255, 176, 0)).all(-1)
        rows, columns = np.nonzero(is_mark)
        assert {rows.min(), columns.min()} <= {15, 16, 17} and {rows.max(), columns.max()} <= {46, 47, 48}


def test_whole_images_have_no_mark_and_a_place_that_is_taken_is_left_alone(tmp_path):
    write_contact_sheet(tmp_path / "sheet", dataclasses.replace(SHEET, mark=0.0))
    assert 'class="mark"' not in (tmp_path / "sheet/index.html").read_text()
    with pytest.raises(RunError, match="--contact_sheet .* exists and is not an empty directory"):
        write_contact_sheet(tmp_path / "sheet", SHEET)


def test_a_sheet_of_very_many_stays_a_picture_that_can_be_opened():
    assert contact_sheet._arranged(7, 128) == (3, 3, 128)
    columns, rows, side = contact_sheet._arranged(20_000, 128)
    assert columns * rows >= 20_000 and 24 <= side < 40
    assert (columns * (side + 6)) * (rows * (side + 6 + 15)) <= 61_000_000
