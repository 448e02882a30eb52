"""The kernel distance: zero where it should be, growing where it should grow."""

import numpy as np
import pytest
from scipy import ndimage

from lesion_jax.core.types import Images
from lesion_jax.metrics.kernel_distance import kernel_distance, score_kernel_distance, squared_mmd
from lesion_jax.metrics.random_features import random_features
from lesion_jax.metrics.sample import Sample


def rois(num, seed, size=32):
    """Blobs of random size and depth on correlated noise, float32 [num, size, size] in [-1, 1]."""
    generator = np.random.default_rng(seed)
    grid = np.indices((size, size)) - size / 2 + 0.5
    noise = ndimage.gaussian_filter(generator.standard_normal((num, size, size)), (0, 0.8, 0.8))
    radius = generator.uniform(4, 10, (num, 1, 1))
    depth = generator.uniform(0.2, 0.8, (num, 1, 1))
    blob = 1 / (1 + np.exp(np.hypot(*grid) - radius))
    return np.clip(0.2 + 0.3 * noise - depth * blob, -1, 1).astype(np.float32)


@pytest.mark.slow
def test_real_against_real_is_zero_within_its_error():
    """Unbiased: the mean over splits is near 0, and both signs occur."""
    results = np.array([kernel_distance(rois(20, 2 * i), rois(25, 2 * i + 1)) for i in range(20)])
    spread = results[:, 0].std()
    assert abs(results[:, 0].mean()) < 3 * spread / np.sqrt(20)
    assert (results[:, 0] < 0).any()
    assert 0.5 * spread < results[:, 1].mean() < 3 * spread


def test_it_grows_with_blur_noise_and_missing_variety():
    real, other = rois(40, 0), rois(40, 1)
    floor, error = kernel_distance(other, real)
    blurred = [kernel_distance(ndimage.gaussian_filter(other, (0, s, s)), real)[0] for s in (0.5, 1.0, 2.0, 4.0)]
    assert [floor, *blurred] == sorted([floor, *blurred])
    assert blurred[-1] > 0.1 > 5 * abs(floor)
    noise = np.random.default_rng(0).uniform(-1, 1, other.shape).astype(np.float32)
    assert kernel_distance(noise, real)[0] > 0.3
    few = kernel_distance(other[np.arange(40) % 2], real)[0]
    one = kernel_distance(other[np.zeros(40, int)], real)[0]
    assert floor + 3 * error < few < one


def test_it_is_a_pure_function_whatever_the_batching_and_the_channel_axis():
    real, other = rois(70, 0), rois(66, 1)
    assert kernel_distance(other, real) == kernel_distance(other[..., None], real[..., None])
    for whole, part in zip(random_features(other), random_features(other[60:]), strict=True):
        np.testing.assert_allclose(whole[60:], part, rtol=1e-5, atol=1e-5)


def test_squared_mmd_by_hand_and_its_jackknife_by_leaving_out():
    generator = np.random.default_rng(0)
    x, y = generator.standard_normal((5, 3)), generator.standard_normal((4, 3)) + 1

    def kernel(a, b):
        return np.mean([(1 + np.sum((a - b) ** 2) / 3 / (2 * alpha)) ** -alpha for alpha in (0.2, 0.5, 1, 2, 5)])

    def by_hand(x, y):
        within = [np.mean([kernel(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j]) for z in (x, y)]
        return sum(within) - 2 * np.mean([kernel(a, b) for a in x for b in y])

    value, error = squared_mmd(x, y)
    assert value == pytest.approx(by_hand(x, y))
    left_x = [by_hand(np.delete(x, i, 0), y) for i in range(5)]
    left_y = [by_hand(x, np.delete(y, i, 0)) for i in range(4)]
    assert error == pytest.approx(np.sqrt(4 * np.var(left_x) + 3 * np.var(left_y)))


def test_misuse_is_refused_and_a_broken_generator_shows():
    real = rois(5, 0)
    with pytest.raises(ValueError, match="images holds 2 images"):
        kernel_distance(real[:2], real)
    with pytest.raises(ValueError, match="reference reaches 200"):
        kernel_distance(real, real * 0 + 200)
    with pytest.raises(ValueError, match="all the same"):
        kernel_distance(real, np.zeros_like(real))
    broken = real.copy()
    broken[0, 0, 0] = np.nan
    assert np.isnan(kernel_distance(broken, real)[0])


def test_a_score_is_that_of_the_scaled_images_and_none_where_it_is_not_defined():
    window = (-100.0, 300.0)
    pixels = [np.round((x + 1) * 200 - 100).astype(np.int16) for x in (rois(8, 1), rois(5, 0))]
    fake, real = (Sample.of(Images(x, np.zeros(len(x), np.int32)), window) for x in pixels)
    result = score_kernel_distance(fake, real)
    scaled = [(x.astype(np.float32) + 100) / 200 - 1 for x in pixels]
    assert (result["value"], result["std"]) == pytest.approx(kernel_distance(*scaled), abs=1e-6)
    assert result["per_class"] == {0: pytest.approx(result["value"])}
    two = np.arange(2)
    assert score_kernel_distance(fake, real[two]) is None
    small = [Sample.of(Images(x[:, :16, :16], np.zeros(len(x), np.int32)), window) for x in pixels]
    assert score_kernel_distance(*small) is None


def test_copies_of_one_lesion_neither_move_the_null_nor_shrink_its_error():
    """The fault that was: nine augmented copies of each lesion gave 0.006 to 0.0145, with half of the true error."""
    generator = np.random.default_rng(0)
    copies = np.repeat(np.arange(12), 9)
    plain, grouped = [], []
    for _ in range(60):
        x, centres = generator.standard_normal((40, 8)), generator.standard_normal((12, 8))
        y = centres[copies] + 0.05 * generator.standard_normal((108, 8))
        plain.append(squared_mmd(x, y))
        grouped.append(squared_mmd(x, y, None, copies))
    for found, is_right in ((np.array(plain), False), (np.array(grouped), True)):
        bias, spread, said = found[:, 0].mean(), found[:, 0].std(), found[:, 1].mean()
        assert bool(abs(bias) < 3 * spread / np.sqrt(60)) is is_right
        assert bool(said > 0.8 * spread) is is_right
    with pytest.raises(ValueError, match="Images of 40 and 2 patients"):
        squared_mmd(x, y, None, copies % 2)


def test_swapped_classes_show_in_the_classes_alone():
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], 20).astype(np.int32)

    def sample(shown):
        pixels = generator.normal(100 * shown[:, None, None], 30, (40, 32, 32)).astype(np.int16)
        return Sample.of(Images(pixels, labels), (-100.0, 200.0))

    real, right, swapped = sample(labels), sample(labels), sample(1 - labels)
    scores = [score_kernel_distance(fake, real) for fake in (right, swapped)]
    assert abs(scores[1]["value"]) < 0.05
    assert max(scores[0]["per_class"].values()) < 0.1 < 0.3 < min(scores[1]["per_class"].values())
