import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

from lesion_jax.families.classifier_intensity import BLUR_RADIUS, gaussian_blur, jitter

KEYS = jax.random.split(jax.random.key(0), 200)
# As programs: operation by operation each would be compiled.
JITTER, BLUR = jax.jit(jitter), jax.jit(gaussian_blur)
IMAGES = np.random.default_rng(0).normal(60, 40, (200, 12, 12)).astype(np.int16)


def strengths(**on):
    return {name: jnp.float32(on.get(name, 0.0)) for name in ("offset", "noise", "blur")}


@pytest.mark.parametrize("sigma", [0.0, 0.7, 2.0])
def test_the_blur_is_scipys(sigma):
    image = IMAGES[0].astype(np.float32)
    expected = ndimage.gaussian_filter(image, sigma, mode="nearest", radius=BLUR_RADIUS) if sigma else image
    np.testing.assert_allclose(BLUR(jnp.asarray(image), jnp.float32(sigma)), expected, atol=1e-3)


def test_an_offset_shifts_all_pixels_of_an_image_alike_up_or_down():
    shift = np.asarray(JITTER(IMAGES, KEYS, **strengths(offset=15.0))) - IMAGES
    assert np.ptp(shift, axis=(1, 2)).max() < 1e-3
    # The standard deviation of U[-15, 15] is 15 / sqrt(3).
    assert np.abs(shift).max() <= 15 and shift.mean((1, 2)).std() == pytest.approx(15 / np.sqrt(3), rel=0.15)


def test_noise_differs_from_pixel_to_pixel_and_its_size_from_image_to_image():
    noise = np.asarray(JITTER(IMAGES, KEYS, **strengths(noise=10.0))) - IMAGES
    size = noise.std((1, 2))
    assert size.max() < 13 and size.min() < 1.5 and size.mean() == pytest.approx(5, rel=0.15)
    assert abs(noise.mean()) < 0.3


def test_an_image_does_not_depend_on_those_beside_it():
    on = strengths(offset=15.0, noise=10.0, blur=1.0)
    whole = np.asarray(JITTER(IMAGES, KEYS, **on))
    np.testing.assert_allclose(whole[3:5], JITTER(IMAGES[3:5], KEYS[3:5], **on), atol=1e-4)


def test_without_strengths_nothing_changes():
    np.testing.assert_allclose(JITTER(IMAGES, KEYS, **strengths()), IMAGES, atol=1e-4)
