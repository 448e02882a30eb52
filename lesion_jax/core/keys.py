"""Randomness is derived, never threaded: (seed, stream name, step, example) -> key.

A run at step n needs no saved generator state, and example i of a batch draws the
same numbers on one device and on eight.
"""

import zlib

import jax
import jax.numpy as jnp


def stream(seed: jax.Array | int, name: str) -> jax.Array:
    """Root key of a named stream of random numbers.

    Args:
      seed: int32 scalar, traced or not.
      name: Any text; its CRC-32 is folded in, so streams do not depend on order.

    Returns:
      A typed PRNG key, scalar.
    """
    return jax.random.fold_in(jax.random.key(seed), zlib.crc32(name.encode()))


def at_step(key: jax.Array, step: jax.Array | int) -> jax.Array:
    """The key of one step of a stream."""
    return jax.random.fold_in(key, step)


def per_example(key: jax.Array, index: jax.Array) -> jax.Array:
    """One key for each example of a batch, by its position in the *global* batch.

    Args:
      key: Scalar key of the step.
      index: int32 [B], positions in the global batch, not in the replica's slice.

    Returns:
      Keys [B].
    """
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(index)


def named(keys: jax.Array, name: str) -> jax.Array:
    """Keys [B] of something else that each example draws, independent of what `keys` [B] give themselves.

    Args:
      keys: From `per_example`.
      name: Any text; its CRC-32 is folded in.
    """
    return jax.vmap(lambda key: jax.random.fold_in(key, zlib.crc32(name.encode())))(keys)


def latents(keys: jax.Array, size: int) -> jax.Array:
    """Generator input z ~ U[-1, 1] (paper, section on the DCGAN).

    Args:
      keys: Keys [B], one per image.
      size: Latent size.

    Returns:
      float32 [B, size].
    """
    return jax.vmap(lambda k: jax.random.uniform(k, (size,), jnp.float32, -1.0, 1.0))(keys)


def per_image(seed: int, num: int) -> jax.Array:
    """One key for each image of a drawing: key i is a function of (seed, i), so a smaller drawing is a prefix.

    Args:
      seed: Seed of the drawing.
      num: N.

    Returns:
      Keys [N].
    """
    return per_example(stream(seed, "samples"), jnp.arange(num, dtype=jnp.int32))
