"""The augmentation of a discriminator's images leaves most as they are, and does to the others what it says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.core import keys
from lesion_jax.families.diff_augment import Strengths, augment
from lesion_jax.families.ema import moved_by_images
from lesion_jax.families.rpgan_step import strengths_of

SIDE, NUM = 16, 512
IMAGE = np.random.default_rng(0).uniform(-0.5, 0.5, (SIDE, SIDE)).astype(np.float32)


@jax.jit
def drawn(probability, shift=0.0, cutout=0.0, offset=0.0):
    image_keys = keys.per_image(0, NUM)
    images = jnp.broadcast_to(jnp.asarray(IMAGE), (NUM, SIDE, SIDE))[..., None]
    return augment(images, image_keys, Strengths(probability, shift, cutout, offset))[..., 0]


def is_as_it_was(images):
    return (np.asarray(images) == IMAGE).all((1, 2))


def test_an_image_stays_as_it_is_unless_something_is_drawn():
    assert is_as_it_was(drawn(0.0, 0.125, 0.5, 0.05)).all()
    # None of four kinds; of the turns one in eight does nothing.
    want = 0.7**3 * (0.7 + 0.3 / 8)
    share = is_as_it_was(drawn(0.3, 0.125, 0.5, 0.05)).mean()
    assert abs(share - want) < 4 * np.sqrt(want * (1 - want) / NUM)


def test_turns_are_the_eight_of_a_square():
    found = {image.tobytes() for image in np.asarray(drawn(1.0))}
    turns = [np.rot90(flipped, k) for flipped in (IMAGE, IMAGE.T) for k in range(4)]
    assert found == {np.ascontiguousarray(turn).tobytes() for turn in turns}


def test_an_offset_is_given_in_the_datasets_unit():
    hyper = {"augment_offset": 10.0, "augment_shift": 0.0, "augment_cutout": 0.0}
    strengths = strengths_of(hyper, 1.0, (-160.0, 240.0))
    change = np.asarray(drawn(1.0, offset=strengths.offset)).mean((1, 2)) - IMAGE.mean()
    in_hu = change * 200
    assert 9.8 < in_hu.max() <= 10.001 and -10.001 <= in_hu.min() < -9.8 and abs(in_hu.mean()) < 1


def test_shifts_and_holes_reach_as_far_as_they_say():
    by = np.array([_shift_of(np.abs(image) > 0) for image in np.asarray(drawn(1.0, shift=0.125))])
    assert by.min() == -2 and by.max() == 2
    holes = (np.asarray(drawn(1.0, cutout=0.5)) == 0).sum((1, 2))
    # In the middle 8 x 8 pixels; in a corner a quarter of them.
    assert holes.max() == 64 and 16 <= holes.min() < 32


def _shift_of(kept):
    rows, columns = (np.flatnonzero(kept.any(axis)) for axis in (1, 0))
    return [rows[0] if rows[0] else rows[-1] - SIDE + 1, columns[0] if columns[0] else columns[-1] - SIDE + 1]


def test_gradients_go_back_to_the_pixels_that_are_left():
    @jax.jit
    def seen(images):
        return augment(images, keys.per_image(3, 8), Strengths(1.0, 0.125, 0.5, 0.1))

    images = jnp.asarray(np.tile(IMAGE, (8, 1, 1)))[..., None]
    out, back = seen(images), jax.jit(jax.grad(lambda images: seen(images).sum()))(images)
    # Each pixel of the result is one of the image, or none.
    assert {*np.unique(np.asarray(back)).tolist()} == {0.0, 1.0}
    np.testing.assert_allclose(jnp.vdot(back, images), out.sum() - _offsets(seen).sum(), rtol=1e-4)


def _offsets(seen):
    """What the augmentation makes of images of zeros."""
    return seen(jnp.zeros((8, SIDE, SIDE, 1)))


@pytest.mark.parametrize("half_life", [1e9, 48.0])
def test_a_moving_average_forgets_half_in_its_half_life(half_life):
    # Step 1000 of 16 images: 5 % of those seen are 800 images.
    left = 1.0
    for step in range(1000, 1000 + round(min(half_life, 800.8) / 16)):
        left = moved_by_images(left, 0.0, jnp.int32(step), 16, jnp.float32(half_life))
    assert abs(float(left) - 0.5) < 0.02
