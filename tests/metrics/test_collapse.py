import numpy as np
import pytest

from lesion_jax.metrics.collapse import describe_collapse, variety

WINDOW = (-160.0, 240.0)


def images(num, spread, seed=0):
    return np.random.default_rng(seed).normal(40, spread, (num, 8, 8)).astype(np.int16)


def test_variety_is_a_share_of_that_of_real_images():
    real = images(400, 30)
    assert variety(images(400, 30, seed=1), real, WINDOW) == pytest.approx(1, abs=0.02)
    assert variety(images(400, 15, seed=1), real, WINDOW) == pytest.approx(0.5, abs=0.02)
    assert variety(np.repeat(real[:1], 400, 0), real, WINDOW) == 0


def test_pixels_that_differ_within_an_image_but_not_between_images_are_no_variety():
    one = images(1, 80)
    assert variety(np.repeat(one, 50, 0), images(50, 30), WINDOW) == 0


def test_what_lies_outside_the_window_does_not_count():
    real = images(300, 30)
    noisy = np.where(real > 0, real, real - 500).astype(np.int16)
    clipped = np.clip(noisy, -160, 240).astype(np.int16)
    assert variety(real, noisy, WINDOW) == variety(real, clipped, WINDOW)


def test_a_collapse_is_named_and_a_beginning_is_none():
    fine = {"cyst": 0.8, "metastasis": 0.5}
    assert describe_collapse(1000, fine, 1.2) is None
    assert "images of cyst have 0.05 of the variety" in describe_collapse(1000, fine | {"cyst": 0.05}, 1.2)
    both = describe_collapse(1000, fine | {"cyst": 0.05}, 0.001)
    assert "cyst" in both and "discriminator's loss is at zero (0.0010)" in both and both.startswith("Step 1000:")
    assert describe_collapse(499, {"cyst": 0.0}, 0.0) is None
