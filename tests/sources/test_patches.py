"""Patches hold enough context, keep the centre where it was and never end in black."""

import math

import numpy as np
import pytest

from lesion_jax.sources import patches
from lesion_jax.sources.patches import cut_patch, half_side


def test_the_centre_keeps_its_place_to_a_fraction_of_a_pixel():
    rows, columns = np.mgrid[:60, :70]
    hu = (100 * rows + columns).astype(np.int16)
    patch, (row, column) = cut_patch(hu, 30.3, 24.8, 6)
    assert patch.shape == (13, 13) and patch.dtype == np.int16
    assert (row, column) == pytest.approx((6.3, 5.8))
    # On a plane the value between pixels is known: what lies under the centre is what lay there in the slice.
    r, c = math.floor(row), math.floor(column)
    assert patch[r, c] + 100 * (row - r) + (column - c) == pytest.approx(100 * 30.3 + 24.8)


def test_beyond_the_slice_the_edge_goes_on():
    hu = np.arange(1, 17, dtype=np.int16).reshape(4, 4)
    patch, center = cut_patch(hu, 0, 3, 2)
    assert center == (2, 2) and patch[2, 2] == hu[0, 3]
    np.testing.assert_array_equal(patch, np.pad(hu, 4, mode="edge")[2:7, 5:10])
    assert patch.min() > 0


@pytest.mark.parametrize("spacing", [(0.7, 0.7), (0.5, 0.9), (2.0, 1.0)])
@pytest.mark.parametrize("diameter", [3.0, 25.0, 102.0])
def test_the_corner_of_the_largest_crop_is_inside(diameter, spacing):
    half = half_side(diameter, spacing)
    side = diameter * (1 + 2 * (patches.MAX_MARGIN + patches.MAX_EXTRA))
    shift = min(patches.MAX_SHIFT_PX, 0.1 * diameter) * math.sqrt(spacing[0] * spacing[1])
    corner_mm = math.sqrt(2) * (side / 2 + shift)
    # One pixel less than the half: the centre is up to half a pixel off the middle.
    assert corner_mm / min(spacing) <= half - 1


def test_a_patch_is_not_larger_than_it_needs():
    assert half_side(20.0, (1.0, 1.0)) == math.ceil(math.sqrt(2) * (20 * 1.4 + 4)) + 4


def test_beyond_the_image_its_reflection_goes_on_where_it_is_asked_for():
    pixels = np.random.default_rng(0).integers(0, 255, (5, 7)).astype(np.int16)
    patch, center = cut_patch(pixels, 2.0, 3.0, 20, reflected=True)
    expected = np.pad(pixels, 20, mode="symmetric")[2 : 2 + 41, 3 : 3 + 41]
    np.testing.assert_array_equal(patch, expected)
    assert center == (20, 20)
