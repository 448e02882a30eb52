"""Pictures by class: the first images of each, as they are, under its name and over a scale."""

import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.io.class_picture import class_picture


def test_rows_of_first_images_by_class_each_pixel_enlarged():
    pixels = np.random.default_rng(0).integers(-160, 241, (14, 48, 48)).astype(np.int16)
    bank = Images(pixels, np.array([2, 0] + [2] * 12, np.int32))
    picture = np.asarray(class_picture(bank, ("a", "b", "c"), (-160, 240), "HU"))
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


def test_the_same_bank_gives_the_same_picture_and_a_narrow_one_has_room_for_the_scale():
    bank = Images(np.zeros((1, 8, 8), np.int16), np.zeros(1, np.int32))
    one = class_picture(bank, ("Żółć",), (0, 255), "grey values")
    assert one == class_picture(bank, ("Żółć",), (0, 255), "grey values")
    assert one.width == 440


def test_many_images_of_a_class_take_several_rows():
    pixels = np.random.default_rng(0).integers(-160, 241, (5, 64, 64)).astype(np.int16)
    sheet = np.asarray(
        class_picture(Images(pixels, np.zeros(5, np.int32)), ("a",), (-160, 240), "HU", columns=2, side=64)
    )
    assert sheet.shape == (4 + 20 + 3 * 68 + 44, 440, 3)
    gray = np.rint((pixels[3] + 160.0) / 400 * 255)
    np.testing.assert_allclose(sheet[24 + 68 : 24 + 68 + 64, 4 + 68 : 4 + 68 + 64, 0], gray, atol=1)
