import numpy as np
import pytest

from lesion_jax.core.types import Images
from lesion_jax.metrics.sample import Sample
from lesion_jax.metrics.variety import score_variety, variety

WINDOW = (-160.0, 240.0)


def images(num, spread, seed=0):
    return np.random.default_rng(seed).normal(40, spread, (num, 8, 8)).astype(np.int16)


def test_variety_is_a_share_of_that_of_real_images():
    real = images(400, 30)
    assert variety(images(400, 30, seed=1), real, WINDOW) == pytest.approx(1, abs=0.02)
    assert variety(images(400, 15, seed=1), real, WINDOW) == pytest.approx(0.5, abs=0.02)
    assert variety(np.repeat(real[:1], 400, 0), real, WINDOW) == 0


def test_variety_by_hand():
    # Pixels 0 and 4 apart: variances 8 and 0, root of their mean 2; real: 2 and 2 apart, variances 2 and 2.
    fake = np.array([[[0, 5]], [[4, 5]]], np.int16)
    real = np.array([[[0, 0]], [[2, 2]]], np.int16)
    assert variety(fake, real, WINDOW) == pytest.approx(2 / np.sqrt(2))


@pytest.mark.parametrize("num", [2, 3, 10])
def test_a_few_real_images_are_as_varied_as_many(num):
    """One lesion of a class in an inner fold of four must not make a collapsed generator look varied."""
    real = images(400, 30)
    few = [variety(real[i : i + num], real, WINDOW) for i in range(0, 400 - num, num)]
    assert np.mean(few) == pytest.approx(1, abs=0.02)


def test_pixels_that_differ_within_an_image_but_not_between_images_are_no_variety():
    one = images(1, 80)
    assert variety(np.repeat(one, 50, 0), images(50, 30), WINDOW) == 0


def test_what_lies_outside_the_window_does_not_count():
    real = images(300, 30)
    noisy = np.where(real > 0, real, real - 500).astype(np.int16)
    clipped = np.clip(noisy, -160, 240).astype(np.int16)
    assert variety(real, noisy, WINDOW) == variety(real, clipped, WINDOW)


def test_each_class_has_its_own_and_one_without_two_images_has_none():
    real, labels = images(60, 30), np.repeat([0, 2, 5], 20).astype(np.int32)
    fake = real.copy()
    fake[labels == 2] = fake[20]
    ours, theirs = (Sample.of(Images(x, labels), WINDOW) for x in (fake, real))
    assert score_variety(ours, theirs) == {"value": 2 / 3, "per_class": {0: 1.0, 2: 0.0, 5: 1.0}}
    assert score_variety(ours, theirs[np.arange(21)]) == {"value": 1.0, "per_class": {0: 1.0}}
    assert score_variety(ours[np.arange(1)], theirs) is None
