"""The picture of a bank: the first images of each class, as they are, over a scale."""

import io

import numpy as np
from PIL import Image

from lesion_jax.core.types import Images
from lesion_jax.io.bank_picture import bank_picture


def test_rows_of_first_images_by_class_each_pixel_enlarged():
    pixels = np.random.default_rng(0).integers(-160, 241, (14, 48, 48)).astype(np.int16)
    bank = Images(pixels, np.array([2, 0] + [2] * 12, np.int32))
    picture = np.asarray(Image.open(io.BytesIO(bank_picture(bank, ("a", "b", "c"), (-160, 240), "HU"))))
    assert picture.shape == (4 + 2 * (20 + 96 + 4) + 44, 4 + 10 * 100, 3)
    gray = np.rint((pixels + 160.0) / 400 * 255).astype(int)
    shown = picture[..., 0].astype(int)
    # Class b has no row; class c shows ten of its 13.
    for place, number, index in ((0, 0, 1), (1, 0, 0), (1, 1, 2), (1, 9, 10)):
        top, left = 24 + place * 120, 4 + number * 100
        np.testing.assert_allclose(shown[top : top + 96 : 2, left : left + 96 : 2], gray[index], atol=1)
    assert (shown[24:120, 104:] == 255).all()
    # The scale runs from black to white.
    bar = shown[4 + 2 * 120 + 6 + 6, 5:259]
    assert (np.diff(bar) == 1).all() and bar[0] == 1 and bar[-1] == 254


def test_the_same_bank_gives_the_same_bytes_and_a_narrow_one_has_room_for_the_scale():
    bank = Images(np.zeros((1, 8, 8), np.int16), np.zeros(1, np.int32))
    one = bank_picture(bank, ("\u017b\u00f3\u0142\u0107",), (0, 255), "grey values")
    assert one == bank_picture(bank, ("\u017b\u00f3\u0142\u0107",), (0, 255), "grey values")
    assert Image.open(io.BytesIO(one)).width == 440
