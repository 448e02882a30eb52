"""Pictures that lie on one another where they should, on lesions that are drawn by hand."""

import numpy as np
import pytest

from lesion_jax.core.types import Lesion
from lesion_jax.families.blending import View, classic_view, crop, feather, insert, polar
from lesion_jax.families.context import Context
from lesion_jax.families.seam import Surroundings

SIDE = 121
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE] - 60


def lesion(name, value, liver, *, diameter=20.0, fat=None, label=0):
    """A round lesion in even liver; fat: (row, column) direction of a half-plane of fat beyond its edge."""
    patch = np.full((SIDE, SIDE), liver, np.int16)
    patch[np.hypot(ROWS, COLUMNS) < diameter / 2] = value
    if fat:
        patch[ROWS * fat[0] + COLUMNS * fat[1] > diameter / 2] = -100
    return Lesion(name, f"patient of {name}", label, diameter, (1.0, 1.0), (60.0, 60.0), patch)


def context_of(*lesions, margin=0.5):
    return Context(lesions, 40, margin, "HU")


def test_a_classic_view_is_cropped_as_its_variant_is():
    from lesion_jax.data.augment import Variants, draw_variants, resample

    noise = np.random.default_rng(0).normal(100, 60, (SIDE, SIDE)).astype(np.int16)
    one = Lesion("noise", "p", 0, 20.0, (1.0, 1.0), (60.3, 59.8), noise)
    drawn = [draw_variants(one, seed) for seed in range(20)]
    is_moved = [bool(variants.shift[0].any()) for variants in drawn]
    assert any(is_moved) and not all(is_moved)
    for seed, variants in enumerate(drawn):
        row = Variants(variants.angle[:1], variants.flip[:1], variants.shift[:1], np.zeros(1))
        expected = resample(one, row, 40, 0.5)[0]
        found = crop(context_of(one), classic_view(context_of(one), one, seed))
        np.testing.assert_allclose(found, expected, atol=1)


def test_distance_and_direction_are_those_of_the_centre():
    view = View(lesion("a", 50, 100), 0.0, np.ones(2), np.array([3.0, -2.0]))
    away, direction = polar(context_of(), view)
    # The centre is 3 rows below and 2 columns left of the middle, 19.5; the radius is 10 pixels.
    assert away[22, 17] == pytest.approx(np.hypot(0.5, 0.5) / 10)
    assert away[32, 17] == pytest.approx(np.hypot(9.5, 0.5) / 10)
    assert direction[32, 17] == pytest.approx(np.arctan2(9.5, -0.5))
    image = crop(context_of(), view)
    # The spline rings by a few HU.
    np.testing.assert_allclose(image[away < 0.85], 50, atol=5)
    np.testing.assert_allclose(image[away > 1.15], 100, atol=5)


def test_a_lesion_is_inserted_with_its_values_and_the_level_of_the_tissue():
    away = np.linspace(0, 2, 201)[None]
    inside, around = np.where(away < 1, 50, 100).astype(np.int16), np.full((1, 201), 120, np.int16)
    mixed = insert(inside, around, away, np.full_like(away, 1.15), feather=0.1, level=20.0)
    # Untouched in the middle, half of half the level at r = 0.5 squared, all of it from the edge on.
    assert mixed[0, 0] == 50 and mixed[0, 50] == 55
    assert set(mixed[0, 100:]) == {120}
    # Where the tissue is not of one level, the step lies at the mask's edge and is as wide as its feather.
    plain = insert(inside, around, away, np.full_like(away, 1.15), feather=0.1, level=0.0)[0]
    assert plain[109] == 100 and plain[115] == 110 and plain[121] == 120


def test_the_edge_fades_over_two_pixels_of_the_coarser_grid():
    small, large = lesion("a", 50, 100, diameter=10.0), lesion("b", 50, 100, diameter=40.0)
    views = [View(one, 0.0, np.ones(2), np.zeros(2)) for one in (small, large)]
    # The radius is 10 pixels of the image; 5 or 20 native ones.
    assert feather(context_of(), views[0]) == pytest.approx(2 / 5)
    assert feather(context_of(), views[1]) == pytest.approx(2 / 10)
    assert feather(context_of(), *views) == pytest.approx(2 / 5)


@pytest.mark.parametrize("fat", [(1, 0), (0, -1), (0.6, 0.8)])
def test_fat_comes_to_lie_upon_fat(fat):
    """The conventions of rotation and flip in `seam` are those of the crops."""
    fixed_lesion, other = lesion("a", 50, 100, fat=(0, 1)), lesion("b", 50, 110, fat=fat)
    context, worst = context_of(), []
    for seed in range(5):
        fixed = View(fixed_lesion, 0.7, np.array([1.0, -1.0]), np.array([1.0, -2.0]))
        fit = Surroundings().best(fixed, [other], seed)
        assert fit.level == pytest.approx(10, abs=2)
        away, _ = polar(context, fixed)
        ring = (away > 1.1) & (away < 1.4)
        is_fat = [crop(context, view)[ring] < 0 for view in (fixed, fit.view)]
        assert 0.1 < is_fat[0].mean() < 0.5
        worst.append(np.mean(is_fat[0] != is_fat[1]))
    # The best of 16 turns is within a few degrees; chosen blindly two in five pixels would differ.
    assert np.mean(worst) < 0.08


def test_the_edge_goes_where_two_lesions_agree():
    # Tissue of one has a wall of fat from 1.08 radii on in one direction: there the mask ends before it.
    fixed = View(lesion("a", 50, 100, fat=(0, 1.08**-1)), 0.0, np.ones(2), np.zeros(2))
    fit = Surroundings().best(fixed, [lesion("b", 50, 100)], 0)
    toward, elsewhere = fit.edge_at(np.array([0.0])), fit.edge_at(np.array([2.0, 3.0, 4.0]))
    assert toward[0] < 1.03 and toward[0] >= 1.0
    assert (fit.edge <= 1.15 + 1e-9).all() and elsewhere.shape == (3,)
