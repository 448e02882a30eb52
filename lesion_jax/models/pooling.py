"""2x2 max-pooling with a gradient of our own.

XLA's gradient of max-pooling is a select-and-scatter, which its CPU backend runs pixel by pixel: it took half of the
classifier's step. Windows that do not overlap need neither window nor scatter, only comparisons.
"""

import jax
import jax.numpy as jnp


@jax.custom_vjp
def max_pool(x: jax.Array) -> jax.Array:
    """Max over 2x2 windows with stride 2, unpadded: an odd last row or column is dropped.

    Args:
      x: float [B, H, W, C].

    Returns:
      [B, H // 2, W // 2, C], of x's dtype. Of equal maxima the first, in row order, takes the gradient, as in lax.
    """
    return _windows(x).max((2, 4))


def _windows(x: jax.Array) -> jax.Array:
    """[B, H, W, C] -> [B, H // 2, 2, W // 2, 2, C]."""
    batch, height, width, channels = x.shape
    height, width = height // 2, width // 2
    return x[:, : 2 * height, : 2 * width].reshape(batch, height, 2, width, 2, channels)


def _forward(x: jax.Array) -> tuple[jax.Array, tuple[jax.Array, jax.Array]]:
    y = max_pool(x)
    return y, (x, y)


def _backward(saved: tuple[jax.Array, jax.Array], gradient: jax.Array) -> tuple[jax.Array]:
    x, y = saved
    is_max = _windows(x) == y[:, :, None, :, None]
    taken = jnp.zeros(y.shape, bool)
    corners = []
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        wins = is_max[:, :, row, :, column] & ~taken
        corners.append(jnp.where(wins, gradient, 0))
        taken |= wins
    top, bottom = jnp.stack(corners[:2], axis=3), jnp.stack(corners[2:], axis=3)
    batch, height, width, channels = y.shape
    dense = jnp.stack([top, bottom], axis=2).reshape(batch, 2 * height, 2 * width, channels)
    rest = ((0, 0), (0, x.shape[1] - 2 * height), (0, x.shape[2] - 2 * width), (0, 0))
    return (jnp.pad(dense, rest),)


max_pool.defvjp(_forward, _backward)
