"""Intensity augmentation inside the step: what another scanner or kernel does to pixel values."""

import jax
import jax.numpy as jnp

# Pixels on each side that a blurred one gathers from: two standard deviations of the widest blur.
BLUR_RADIUS = 4
MAX_BLUR = BLUR_RADIUS / 2


def jitter(pixels: jax.Array, keys: jax.Array, *, offset: jax.Array, noise: jax.Array, blur: jax.Array) -> jax.Array:
    """Blurs images, adds noise, and shifts all values of an image alike; each image draws its own strengths.

    Args:
      pixels: [B, H, H] of any dtype, in the dataset's unit.
      keys: Keys [B], one per image.
      offset: The shift is drawn from U[-offset, offset], in the dataset's unit.
      noise: Standard deviation of the largest noise, which is drawn from U[0, noise]; in the dataset's unit.
      blur: Standard deviation of the widest Gaussian blur, which is drawn from U[0, blur]; pixels, at most MAX_BLUR.

    Returns:
      float32 [B, H, H] in the dataset's unit, not rounded.
    """

    def disturb(image: jax.Array, key: jax.Array) -> jax.Array:
        of_strengths, of_noise = jax.random.split(key)
        strengths = jax.random.uniform(of_strengths, (3,))
        image = gaussian_blur(image, strengths[0] * blur)
        image = image + strengths[1] * noise * jax.random.normal(of_noise, image.shape)
        return image + (2.0 * strengths[2] - 1.0) * offset

    return jax.vmap(disturb)(pixels.astype(jnp.float32), keys)


def gaussian_blur(image: jax.Array, sigma: jax.Array) -> jax.Array:
    """Gaussian blur of an image [H, H] by a standard deviation in pixels; edges are continued, 0 leaves it as it is."""
    distance = jnp.arange(-BLUR_RADIUS, BLUR_RADIUS + 1)
    # Where sigma is 0 all but the middle weight vanish.
    weights = jax.nn.softmax(-0.5 * jnp.square(distance / jnp.maximum(sigma, 1e-3)))
    for axis, side in enumerate(image.shape):
        padding = [(BLUR_RADIUS, BLUR_RADIUS) if a == axis else (0, 0) for a in range(2)]
        padded = jnp.pad(image, padding, mode="edge")
        shifted = [jax.lax.dynamic_slice_in_dim(padded, at, side, axis) for at in range(len(weights))]
        image = sum((w * x for w, x in zip(weights, shifted, strict=True)), jnp.zeros_like(image))
    return image
