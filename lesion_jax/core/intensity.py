"""Pixels <-> the ranges that the networks see. Runs inside the steps.

Images travel as int16 pixels in the dataset's unit; a window (low, high) in that unit is mapped
to [0, 1] for the classifier and to [-1, 1] for the GANs (paper, section on the data). Values
outside the window are clipped.
"""

import jax
import jax.numpy as jnp


def to_unit(pixels: jax.Array, window: tuple[float, float]) -> jax.Array:
    """Pixels of any shape and dtype -> float32 in [0, 1]."""
    low, high = window
    return jnp.clip((pixels.astype(jnp.float32) - low) / (high - low), 0.0, 1.0)


def to_signed(pixels: jax.Array, window: tuple[float, float]) -> jax.Array:
    """Pixels of any shape and dtype -> float32 in [-1, 1], the range of tanh."""
    return to_unit(pixels, window) * 2.0 - 1.0


def from_signed(image: jax.Array, window: tuple[float, float]) -> jax.Array:
    """A generator's output in [-1, 1] -> int16 pixels, rounded to the nearest integer."""
    low, high = window
    return jnp.round((image.astype(jnp.float32) + 1.0) * 0.5 * (high - low) + low).astype(jnp.int16)
