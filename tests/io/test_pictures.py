"""Grey values and the layout of grids, pixel by pixel."""

import numpy as np
import pytest

from lesion_jax.io.pictures import grid, to_gray


def test_hu_and_signed_images_meet_in_the_same_grey():
    window = (-160.0, 240.0)
    assert to_gray(np.array([-1000, -160, 40, 240, 3000], np.int16), window).tolist() == [0, 0, 128, 255, 255]
    assert to_gray(np.array([-7, -1, 0, 1, 5], np.float32), window).tolist() == [0, 0, 128, 255, 255]
    assert to_gray(np.array([np.nan, np.inf, -np.inf], np.float32), window).tolist() == [0, 255, 0]


def test_grid_places_images_row_by_row_with_white_gaps():
    images = np.stack([np.full((3, 4), value, np.float32) for value in (-1.0, -0.5, 0.0, 0.5, 0.75)])
    picture = grid(images, (0.0, 1.0), num_columns=3, gap=1)
    assert picture.shape == (3 + 1 + 3, 4 + 1 + 4 + 1 + 4)
    assert picture.dtype == np.uint8
    for index, value in enumerate([0, 64, 128, 191, 223]):
        row, column = divmod(index, 3)
        assert (picture[row * 4 : row * 4 + 3, column * 5 : column * 5 + 4] == value).all()
    assert (picture[3] == 255).all()
    assert (picture[:, 4] == 255).all()
    assert (picture[4:, 10:] == 255).all()


def test_grid_takes_a_channel_axis_and_is_square_by_default():
    images = np.zeros((9, 8, 8, 1), np.int16)
    assert grid(images, (-160, 240), gap=2).shape == (28, 28)


@pytest.mark.parametrize("shape", [(0, 8, 8), (8, 8), (2, 8, 8, 3)])
def test_grid_refuses_what_is_no_stack_of_grey_images(shape):
    with pytest.raises(ValueError, match="grid takes images"):
        grid(np.zeros(shape, np.int16), (-160, 240))
