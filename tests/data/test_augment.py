import dataclasses

import numpy as np
import pytest
from scipy import ndimage

from lesion_jax.data import augment
from lesion_jax.data.augment import NUM_VARIANTS, affine_maps, augmented, draw_variants, num_per_lesion, original
from lesion_jax.errors import ConfigError, DataError


def _ramp(new_lesion, row, column, **changes):
    # A cubic spline reproduces a plane, so that a pixel's value tells where it was sampled.
    rows, columns = np.indices((131, 131))
    return new_lesion(patch=(row * rows + column * columns).astype(np.int16), **{"center": (65.0, 64.0), **changes})


def _kinds(variants):
    flipped, shifted = (variants.flip < 0).any(1), (variants.shift != 0).any(1)
    return flipped, shifted, variants.extra > 0


def test_480_variants_in_the_papers_proportions(lesion):
    variants = draw_variants(lesion, seed=0)
    flipped, shifted, scaled = _kinds(variants)
    assert NUM_VARIANTS == 480 == len(variants.angle)
    assert [int(kind.sum()) for kind in (flipped, shifted, scaled)] == [90, 210, 150]
    assert not (flipped & shifted | flipped & scaled | shifted & scaled).any()
    assert variants.angle.min() >= 0 and variants.angle.max() <= np.pi
    angles, counts = np.unique(variants.angle, return_counts=True)
    assert len(angles) == 30 and (counts == 16).all()
    for angle in angles:
        here = variants.angle == angle
        assert [int((kind & here).sum()) for kind in (flipped, shifted, scaled)] == [3, 7, 5]
        assert {tuple(f) for f in variants.flip[here]} == {(1, 1), (-1, 1), (1, -1), (-1, -1)}


@pytest.mark.parametrize(("diameter_mm", "reach"), [(20.0, 2.5), (80.0, 4.0)])
def test_ranges_are_the_papers(new_lesion, diameter_mm, reach):
    lesion = new_lesion(diameter_mm=diameter_mm, spacing_mm=(0.8, 0.8))
    variants = draw_variants(lesion, seed=0)
    _, shifted, scaled = _kinds(variants)
    assert 0.97 * reach < np.abs(variants.shift[shifted]).max() <= reach
    assert abs(variants.shift[shifted].mean()) < 0.15 * reach
    assert 0.1 <= variants.extra[scaled].min() < 0.12 and 0.38 < variants.extra[scaled].max() <= 0.4


def test_every_beginning_is_a_fair_mixture(new_lesion):
    first = [draw_variants(new_lesion(f"lesion {i}"), seed=0) for i in range(60)]
    shares = np.mean([[kind[:40].mean() for kind in _kinds(variants)] for variants in first], axis=0)
    np.testing.assert_allclose(shares, [3 / 16, 7 / 16, 5 / 16], atol=0.03)


def test_a_variant_is_a_function_of_seed_lesion_and_index(lesion, new_lesion):
    whole = augmented(lesion, range(40), 16, 0.25, seed=1)
    assert whole.dtype == np.int16 and whole.shape == (40, 16, 16)
    np.testing.assert_array_equal(augmented(lesion, [33, 2], 16, 0.25, seed=1), whole[[33, 2]])
    assert (augmented(lesion, range(40), 16, 0.25, seed=2) != whole).any()
    twin = new_lesion("other", patch=lesion.patch)
    assert (augmented(twin, range(40), 16, 0.25, seed=1) != whole).any()
    for wrong in (-1, 480):
        with pytest.raises(IndexError, match="0 to 479"):
            augmented(lesion, [wrong], 16, 0.25, seed=1)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (0.8, 1.25)])
def test_original_is_the_square_in_mm_around_the_lesion(new_lesion, spacing_mm):
    # d = 20 mm and a quarter of it on each side: 30 mm in 16 pixels of 1.875 mm, centred on the lesion.
    mm = (np.arange(16) - 7.5) * 1.875
    rows = original(_ramp(new_lesion, 100, 0, spacing_mm=spacing_mm), 16, 0.25)
    columns = original(_ramp(new_lesion, 0, 100, spacing_mm=spacing_mm), 16, 0.25)
    np.testing.assert_allclose(rows, np.tile(100 * (65 + mm / spacing_mm[0]), (16, 1)).T, atol=1)
    np.testing.assert_allclose(columns, np.tile(100 * (64 + mm / spacing_mm[1]), (16, 1)), atol=1)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (0.8, 1.25)])
def test_each_variant_samples_where_the_paper_says(new_lesion, spacing_mm):
    by_row = _ramp(new_lesion, 100, 0, spacing_mm=spacing_mm)
    by_column = _ramp(new_lesion, 0, 100, spacing_mm=spacing_mm)
    variants, chosen = draw_variants(by_row, seed=0), range(96)
    rows, columns = (augmented(x, chosen, 12, 0.25, seed=0) / 100 for x in (by_row, by_column))
    for n in chosen:
        # Crop and resize, flip, shift, rotate: step by step, one pixel at a time.
        side = 20 * 1.5 + 2 * 20 * variants.extra[n]
        for i, j in [(0, 0), (0, 11), (5, 7), (11, 3)]:
            y, x = ((k - 5.5) * side / 12 for k in (i, j))
            y, x = y * variants.flip[n, 0], x * variants.flip[n, 1]
            # Native pixels of 1 mm, or of 0.8 x 1.25 mm = 1 mm^2.
            y, x = y + variants.shift[n, 0], x + variants.shift[n, 1]
            cos, sin = np.cos(variants.angle[n]), np.sin(variants.angle[n])
            y, x = cos * y - sin * x, sin * y + cos * x
            assert rows[n, i, j] == pytest.approx(65 + y / spacing_mm[0], abs=0.02)
            assert columns[n, i, j] == pytest.approx(64 + x / spacing_mm[1], abs=0.02)


def test_flips_are_flips_of_the_rotated_image(lesion):
    variants = draw_variants(lesion, seed=0)
    flipped, shifted, scaled = _kinds(variants)
    images = augmented(lesion, range(480), 32, 0.25, seed=0).astype(int)
    for n in np.flatnonzero(~(flipped | shifted | scaled)):
        for m in np.flatnonzero(flipped & (variants.angle == variants.angle[n])):
            expected = images[n][:: int(variants.flip[m, 0]), :: int(variants.flip[m, 1])]
            assert np.abs(images[m] - expected).max() <= 1


def test_agrees_with_rotating_and_cropping_in_two_steps(new_lesion):
    # An independent way, on an image smooth enough to survive two interpolations.
    rows, columns = np.indices((91, 91))
    blob = 100 * np.exp(-((rows - 50) ** 2 + (columns - 41) ** 2) / 60) + rows
    lesion = new_lesion(patch=(10 * blob).astype(np.int16), center=(45.0, 45.0))
    variants = draw_variants(lesion, seed=0)
    plain = np.flatnonzero(~np.any(_kinds(variants), axis=0))[0]
    turned = ndimage.rotate(lesion.patch.astype(float), -np.rad2deg(variants.angle[plain]), reshape=False, order=3)
    grid = 45 + (np.arange(30) - 14.5)
    expected = ndimage.map_coordinates(turned, np.meshgrid(grid, grid, indexing="ij"), order=3)
    got = augmented(lesion, [plain], 30, 0.25, seed=0)[0]
    assert np.abs(got - expected).max() < 5  # of a range of 1600


def test_rotations_keep_the_lesions_statistics(lesion):
    variants = draw_variants(lesion, seed=0)
    plain = np.flatnonzero(~np.any(_kinds(variants), axis=0))
    y, x = np.indices((48, 48)) - 23.5
    disc = np.hypot(y, x) < 20
    still = original(lesion, 48, 0.25)[disc].astype(float)
    for image in augmented(lesion, plain, 48, 0.25, seed=0).astype(float):
        assert image[disc].mean() == pytest.approx(still.mean(), abs=1.0)
        assert image[disc].std() == pytest.approx(still.std(), rel=0.05)


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.0), (0.6, 0.6), (0.7, 0.9)])
@pytest.mark.parametrize("diameter_mm", [10.0, 38.0, 102.0])
def test_no_variant_leaves_the_stored_context(new_lesion, spacing_mm, diameter_mm):
    # Half side as the builder stores it, for the largest margin; the lesion's centre is up to half a pixel off.
    half = int(np.ceil(np.sqrt(2) * (diameter_mm / 2 * 2 + 0.4 * diameter_mm) / min(spacing_mm) + 8))
    patch = np.zeros((2 * half + 1, 2 * half + 1), np.int16)
    lesion = new_lesion(patch=patch, center=(half + 0.5, half - 0.5), spacing_mm=spacing_mm, diameter_mm=diameter_mm)
    matrix, offset, _ = affine_maps(lesion, draw_variants(lesion, seed=0), 64, 0.5)
    corners = np.array([(0, 0), (0, 63), (63, 0), (63, 63)])
    points = np.einsum("nij,cj->nci", matrix, corners) + offset[:, None]
    # The spline's own support, two pixels, lies inside as well.
    assert points.min() >= 2 and points.max() <= 2 * half - 2


def test_patch_with_too_little_context_is_refused(lesion):
    cut = dataclasses.replace(lesion, patch=lesion.patch[20:-20, 20:-20], center=(25.3, 24.8))
    assert original(cut, 16, 0.25).shape == (16, 16)
    with pytest.raises(DataError, match="Lesion lesion: its stored patch of 51 x 51 .* data.margin 0.25"):
        augmented(cut, range(480), 16, 0.25, seed=0)
    with pytest.raises(DataError, match="data.margin 0.9"):
        original(cut, 16, 0.9)


@pytest.mark.parametrize("smooth", [True, False])
def test_shrinking_does_not_alias(lesion, monkeypatch, smooth):
    # Stripes finer than the result can hold; without smoothing they come back as coarse ones.
    stripes = np.where(np.arange(91) % 2, 600, -400)[:, None] * np.ones(91)
    fine = dataclasses.replace(lesion, patch=stripes.astype(np.int16))
    if not smooth:
        monkeypatch.setattr(augment, "_smoothing", lambda *_: (0.0, 0.0))
    images = augmented(fine, range(48), 10, 0.5, seed=0).astype(float)
    assert (images.std((1, 2)).max() < 25) == smooth
    assert images.mean() == pytest.approx(100, abs=10 if smooth else 60)


def test_nothing_beyond_the_patchs_own_values(new_lesion):
    # An edge over the whole range of int16: the spline overshoots by thousands, which would wrap around.
    patch = np.where(np.arange(91)[:, None] < 46, -32768, 32767) * np.ones((91, 91), int)
    lesion = new_lesion(patch=patch.astype(np.int16))
    images = augmented(lesion, range(32), 48, 0.25, seed=0)
    matrix, offset, _ = affine_maps(lesion, draw_variants(lesion, seed=0), 48, 0.25)
    for image, slope, start in zip(images, matrix[:32, 0], offset[:32, 0], strict=True):
        beyond_edge = slope[0] * np.arange(48)[:, None] + slope[1] * np.arange(48) + start - 45.5
        assert (image[beyond_edge > 0.5] > 30000).all() and (image[beyond_edge < -0.5] < -30000).all()
    metal = new_lesion(patch=np.where(np.indices((91, 91)).sum(0) % 8 < 4, 3000, -1000).astype(np.int16))
    images = augmented(metal, range(32), 48, 0.25, seed=0)
    assert (images.min(), images.max()) == (-1000, 3000)


@pytest.mark.parametrize(("size", "expected"), [(0, 0), (500, 8), (5000, 82), (15000, 247)])
def test_num_per_lesion_of_the_papers_sizes(size, expected):
    assert num_per_lesion(size, 3, 182) == expected


def test_sizes_that_do_not_exist_are_refused():
    assert num_per_lesion(29120, 3, 182) == 480
    with pytest.raises(ConfigError, match="classic_size is 30000.*at most 29120"):
        num_per_lesion(30000, 3, 182)
    with pytest.raises(ConfigError, match="classic_size is 10.*at least 61"):
        num_per_lesion(10, 3, 182)
