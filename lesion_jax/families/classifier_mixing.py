"""Mixing of the images of a batch with their neighbours.

Image i is mixed with image i + 1 where i is even and i - 1 where it is odd. The schedule's order is random, so the
neighbour is a random image; it lies on the same device, however many share the batch. Where half of a batch is
synthetic, the schedule puts a synthetic image beside every real one.
"""

import math

import jax
import jax.numpy as jnp


def neighbours(x: jax.Array) -> jax.Array:
    """The neighbour of each entry of x [B, ...], B even."""
    return x.reshape(-1, 2, *x.shape[1:])[:, ::-1].reshape(x.shape)


def mix(
    images: jax.Array, keys: jax.Array, kind: str, alpha: jax.Array, *, is_on: jax.Array | bool = True
) -> tuple[jax.Array, jax.Array]:
    """Mixes each image with its neighbour; the weight of its own label is its share of the result.

    Args:
      images: float32 [B, H, H], B even.
      keys: Keys [B], one per image.
      kind: "mixup" and "genmix" take lambda of the image and 1 - lambda of its neighbour (Zhang et al. 2018, "mixup:
        Beyond Empirical Risk Minimization"; arXiv 2405.20650), "cutmix" puts a box of the neighbour into it, of the
        share 1 - lambda of its area before the box is cut off at the edges (Yun et al. 2019, "CutMix", algorithm A1).
      alpha: lambda ~ Beta(alpha, alpha), drawn for each image.
      is_on: bool scalar; where False all images stay as they are.

    Returns:
      (images float32 [B, H, H], shares float32 [B] in [0, 1]).
    """
    if kind == "cutmix":
        keep = jax.vmap(lambda key: _outside_of_box(key, images.shape[1], alpha))(keys)
        keep = jnp.logical_or(keep, jnp.logical_not(is_on))
        return jnp.where(keep, images, neighbours(images)), jnp.mean(keep, (1, 2), jnp.float32)
    share = jax.vmap(lambda key: symmetric_beta(key, alpha))(keys)
    share = jnp.where(is_on, share, 1.0)
    weight = share[:, None, None]
    return weight * images + (1.0 - weight) * neighbours(images), share


def symmetric_beta(key: jax.Array, alpha: jax.Array) -> jax.Array:
    """A number from Beta(alpha, alpha), float32 scalar in [0, 1].

    From a t-variate with 2 alpha degrees of freedom, drawn without a loop (Bailey 1994, "Polar generation of random
    variates with the t-distribution"): jax.random.beta, which rejects in loops, compiles longer than a step.
    """
    first, second = jax.random.uniform(key, (2,))
    cosine = jnp.cos(2 * math.pi * second)
    odds = (first ** (-1.0 / alpha) - 1.0) * jnp.square(cosine)
    # Not odds / (1 + odds): odds may be infinite.
    return 0.5 + 0.5 * jnp.sign(cosine) * jnp.sqrt(1.0 - 1.0 / (1.0 + odds))


def _outside_of_box(key: jax.Array, side: int, alpha: jax.Array) -> jax.Array:
    of_share, of_middle = jax.random.split(key)
    half = side * jnp.sqrt(1.0 - symmetric_beta(of_share, alpha)) / 2
    middle = jax.random.uniform(of_middle, (2, 1), maxval=side)
    # A pixel is in the box where its centre is.
    row, column = jnp.abs(jnp.arange(side) + 0.5 - middle) < half
    return ~(row[:, None] & column[None, :])
