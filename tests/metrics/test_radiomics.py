import numpy as np
import pytest
from scipy import linalg

from lesion_jax.metrics.frechet import frechet_distance
from lesion_jax.metrics.neighbors import density_coverage, precision_recall
from lesion_jax.metrics.radiomics import radiomics
from lesion_jax.metrics.transfer import score_transfer
from lesion_jax.metrics.two_sample import two_sample_test
from tests.metrics.drawn import WINDOW, lesions, relabelled


def test_features_are_finite_of_one_image_alone_and_blind_to_turns_and_mirrors():
    pixels = lesions(6, 0).pixels
    found, names = radiomics(pixels, WINDOW)
    assert found.shape == (6, len(names)) and 40 <= len({*names}) == len(names)
    blank, _ = radiomics(np.full((1, 32, 32), 100, np.int16), WINDOW)
    assert np.isfinite(found).all() and np.isfinite(blank).all()
    np.testing.assert_allclose(radiomics(pixels[2:3], WINDOW)[0][0], found[2], rtol=1e-9, atol=1e-12)
    turned, _ = radiomics(np.rot90(pixels, axes=(1, 2))[:, ::-1], WINDOW)
    np.testing.assert_allclose(turned, found, rtol=1e-9, atol=1e-9)


def test_features_by_hand():
    # Half of the pixels at 0.25 of the window, half at 0.75, in stripes: levels 4 and 12 of 16.
    stripes = np.full((1, 16, 16), 40, np.int16)
    stripes[:, 1::2] = 160
    found = dict(zip((both := radiomics(stripes, WINDOW))[1], both[0][0], strict=True))
    assert (found["mean"], found["deviation"], found["skewness"]) == pytest.approx((0.5, 0.25, 0.0))
    assert (found["entropy"], found["uniformity"]) == pytest.approx((1.0, 0.5))
    # Of neighbours at one pixel 240 lie along a stripe, 240 across and 450 on diagonals: 690 of 930 differ by 8 levels.
    assert found["glcm_1_contrast"] == pytest.approx(np.log1p(64 * 690 / 930))
    assert found["glcm_2_contrast"] == pytest.approx(0)
    rows, columns = np.indices((32, 32)) - 15.5
    disc = np.where(np.hypot(rows, columns) < 8, 30, 130)[None].astype(np.int16)
    found = dict(zip((both := radiomics(disc, WINDOW))[1], both[0][0], strict=True))
    assert found["area"] == pytest.approx(np.pi * 64 / 1024, rel=0.05) and found["roundness"] > 0.98
    assert found["elongation"] == pytest.approx(0, abs=1e-6) and found["contrast"] == pytest.approx(
        -100 / 240, abs=1e-6
    )


def test_frechet_distance_is_that_of_the_gaussians():
    generator = np.random.default_rng(0)
    x, y = generator.normal(0, 1, (40, 4)), generator.normal(1, 2, (30, 4))
    a, b = (np.cov(z.T) for z in (x, y))
    squared = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * linalg.sqrtm(a @ b).real)
    assert frechet_distance(x, y) == pytest.approx(np.sqrt(squared))
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-6)


def test_neighbours_by_hand():
    # On a line, first neighbour: balls of real images reach 1, 1 and 8; of synthetic ones 0.5, 0.5 and 19.
    real, fake = np.array([[0.0], [1.0], [9.0]]), np.array([[0.5], [1.0], [20.0]])
    assert precision_recall(fake, real, 1) == pytest.approx((2 / 3, 1.0))
    # 0.5 lies in the balls of 0 and 1, 1.0 in all three, 20 in none: 5 of 3; every real image has one in its ball.
    assert density_coverage(fake, real, 1) == pytest.approx((5 / 3, 1.0))
    assert density_coverage(fake + 100, real, 1) == (0.0, 0.0)


@pytest.mark.slow
def test_two_samples_of_one_kind_are_not_told_apart_and_others_are():
    generator = np.random.default_rng(0)
    whose = np.arange(60) // 2
    ps = [two_sample_test(*generator.normal(0, 1, (2, 60, 5)), whose, whose)[1] for _ in range(20)]
    # Not one in twenty below 0.01, save by chance.
    assert min(ps) > 0.001 and 0.2 < np.mean(ps) < 0.8
    accuracy, p = two_sample_test(generator.normal(1, 1, (60, 5)), generator.normal(0, 1, (60, 5)), whose, whose)
    assert accuracy > 0.75 and p < 0.01


def test_what_is_learnt_from_swapped_labels_is_wrong():
    real, fake = lesions(60, 0), lesions(60, 1)
    right, wrong = (score_transfer(x, real) for x in (fake, relabelled(fake, (1, 2, 0))))
    assert right["value"] > 0.8 and wrong["value"] < 0.2
    assert right["value"] == pytest.approx(np.mean([*right["per_class"].values()]))
    assert score_transfer(fake, real[real.labels == 1]) is None
