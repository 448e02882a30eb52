"""Regions of masks, by hand and beside the phantom's discs."""

import numpy as np
import pytest

from lesion_jax.sources.regions import find_regions


def test_a_region_is_marked_where_it_is_largest():
    labels = np.zeros((4, 8, 9), np.uint8)
    labels[0, 2, 3] = labels[2, 2, 3] = 1
    labels[1, 2:4, 3:8] = 1
    (region,) = find_regions(labels, (2.0, 0.5))[1]
    assert (region.index, region.row, region.column, region.num_pixels) == (1, 2.5, 5.0, 10)
    # From (2, 3) to (3, 7): 2 mm down, 4 x 0.5 mm across, and a pixel of 1 mm2.
    assert region.diameter_mm == pytest.approx(np.hypot(2, 2) + 1)


def test_labels_and_corners_and_specks():
    labels = np.zeros((3, 6, 6), np.uint16)
    # They touch at a corner only, over two slices.
    labels[0, :2, :2] = labels[1, 2:4, 2:4] = 7
    labels[2, 0, 0] = 7
    labels[0, 4:, 4:] = 300
    found = find_regions(labels, (1.0, 1.0))
    assert set(found) == {7, 300} and [region.is_speck for region in found[7]] == [False, True]
    # The first of equal slices.
    assert (found[7][0].index, found[7][0].row, found[7][0].column) == (0, 0.5, 0.5)
    assert (found[300][0].row, found[300][0].column) == (4.5, 4.5)


def test_of_two_parts_on_a_slice_the_larger_counts():
    labels = np.zeros((2, 5, 20), np.uint8)
    labels[0, 2] = 1
    # Two legs of one region, 3 x 4 and 3 x 12 pixels, larger together than apart; a row of 20 joins them.
    labels[1, 1:4, :4] = labels[1, 1:4, 8:] = 1
    (region,) = find_regions(labels, (1.0, 1.0))[1]
    assert (region.index, region.column, region.num_pixels) == (1, 13.5, 36)


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.5, 0.8)])
def test_a_disc_is_found_again(spacing):
    rows, columns = np.mgrid[:80, :80] * np.array(spacing)[:, None, None]
    for radius in (3.0, 9.3):
        row, column = 40.3 * spacing[0], 37.8 * spacing[1]
        disc = np.hypot(rows - row, columns - column) <= radius
        (region,) = find_regions(disc[None].view(np.uint8), spacing)[1]
        assert region.row == pytest.approx(40.3, abs=0.2) and region.column == pytest.approx(37.8, abs=0.2)
        assert 2 * radius - 0.5 * min(spacing) <= region.diameter_mm <= 2 * radius + max(spacing)


def test_an_empty_mask_has_none():
    assert find_regions(np.zeros((2, 3, 4), np.uint8), (1.0, 1.0)) == {}
