"""2x2 max-pooling with a gradient of our own.

XLA's gradient of max-pooling is a select-and-scatter, which its CPU backend runs pixel by pixel: it took half of the
classifier's step. Windows that do not overlap need no scatter: each pixel is compared with its window's maximum.
"""

import jax
import jax.numpy as jnp


def max_pool(x: jax.Array) -> jax.Array:
    """Max over 2x2 windows with stride 2, unpadded: an odd last row or column is dropped.

    Args:
      x: float [B, H, W, C].

    Returns:
      [B, H // 2, W // 2, C], of x's dtype. Of equal maxima the first, in row order, takes the gradient, as in lax.
    """
    height, width = (side // 2 * 2 for side in x.shape[1:3])
    return _even_max_pool(x[:, :height, :width])


@jax.custom_vjp
def _even_max_pool(x: jax.Array) -> jax.Array:
    return _windows(x).max((2, 4))


def _windows(x: jax.Array) -> jax.Array:
    """[B, 2h, 2w, C] -> [B, h, 2, w, 2, C]."""
    batch, height, width, channels = x.shape
    return x.reshape(batch, height // 2, 2, width // 2, 2, channels)


def _forward(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    y, windows = _even_max_pool(x), _windows(x)
    first, second, third = (windows[:, :, i, :, j] == y for i, j in ((0, 0), (0, 1), (1, 0)))
    # Which corner of its window is the first maximum, in row order: a byte each, where keeping x would keep it all.
    corner = jnp.where(first, 0, jnp.where(second, 1, jnp.where(third, 2, 3)))
    return y, corner.astype(jnp.int8)


def _backward(corner: jax.Array, gradient: jax.Array) -> tuple[jax.Array]:
    batch, height, width, channels = gradient.shape
    # Written as one comparison, every pixel of the result is computed where it is used, and its parts are never stored.
    is_max = corner[:, :, None, :, None] == jnp.arange(4, dtype=jnp.int8).reshape(2, 1, 2, 1)
    dense = jnp.where(is_max, gradient[:, :, None, :, None], 0)
    return (dense.reshape(batch, 2 * height, 2 * width, channels),)


_even_max_pool.defvjp(_forward, _backward)
