"""Random changes of real and of generated images before a discriminator sees them (Zhao et al. 2020, "DiffAugment").

Each kind is done to an image with a probability below one, so that the generator cannot gain by drawing augmented
images: one as it is stays the likeliest (Karras et al. 2020, "Training generative adversarial networks with limited
data").
Turns and shifts are products with matrices of zeros and ones, one for each axis, whose gradients are products too.
"""

import dataclasses

import jax
import jax.numpy as jnp

_NUM_DRAWN = 12


@dataclasses.dataclass(frozen=True)
class Strengths:
    """How much an image is changed; all may be traced.

    Attributes:
      probability: Of each of the four kinds: one of the eight flips and quarter turns, a shift, a hole, an offset.
      shift: Largest shift along each axis, as a share of the side.
      cutout: Side of the square hole, as a share of the image's.
      offset: Largest offset, up or down, in units of the images.
    """

    probability: jax.Array | float
    shift: jax.Array | float
    cutout: jax.Array | float
    offset: jax.Array | float


def augment(images: jax.Array, keys: jax.Array, strengths: Strengths) -> jax.Array:
    """Changes images, each in its own way; differentiable in the images any number of times.

    Args:
      images: float32 [B, H, H, 1], in [-1, 1] or around it; where nothing is left of an image there is 0.
      keys: Keys [B]; image i is changed by keys[i] alone.
      strengths: How much.

    Returns:
      float32 [B, H, H, 1].
    """
    return jax.vmap(lambda image, key: _one(image[..., 0], key, strengths))(images, keys)[..., None]


def _one(image: jax.Array, key: jax.Array, strengths: Strengths) -> jax.Array:
    side, drawn = len(image), jax.random.uniform(key, (_NUM_DRAWN,))
    is_turned, is_shifted, is_cut, is_offset = drawn[:4] < strengths.probability
    flips, is_transposed = (drawn[4:6] < 0.5) & is_turned, (drawn[6] < 0.5) & is_turned
    shifts = jnp.round((2 * drawn[7:9] - 1) * strengths.shift * side) * is_shifted
    image = jnp.where(is_transposed, image.T, image)
    image = image + is_offset * (2 * drawn[9] - 1) * strengths.offset
    rows, columns = (_source(side, flips[axis], shifts[axis]) for axis in (0, 1))
    image = jnp.einsum("ij,jk,lk->il", rows, image, columns, precision="highest")
    # Its middle may lie anywhere; what reaches over the border is lost.
    away = jnp.abs(jnp.arange(side)[None] + 0.5 - drawn[10:12, None] * side)
    is_hole = away < strengths.cutout * side / 2
    return jnp.where(is_cut & is_hole[0][:, None] & is_hole[1][None], 0.0, image)


def _source(side: int, is_flipped: jax.Array, shift: jax.Array) -> jax.Array:
    """Which old pixel each new one along an axis is: float32 [H, H] of zeros and ones; rows of zeros for none."""
    old = jnp.arange(side) - shift
    old = jnp.where(is_flipped, side - 1 - old, old)
    return (old[:, None] == jnp.arange(side)[None]).astype(jnp.float32)
