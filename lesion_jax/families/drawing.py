"""Drawing images from a generator: image i is a function of (seed, i), so a smaller draw is a prefix of a larger."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.core import keys

_CHUNK = 64


def draw(
    function: Callable[..., Any], variables: Any, labels: np.ndarray, *, latent_size: int, seed: int
) -> np.ndarray:
    """Draws one image for each label.

    Args:
      function: From `networks.generator_function`.
      variables: {params, batch_stats} of the generator.
      labels: int32 [N].
      latent_size: Length of z.
      seed: Of the latents.

    Returns:
      int16 [N, H, H] in HU, on the host.
    """
    key = keys.stream(seed, "samples")
    parts = [
        keys.latents(keys.per_example(key, jnp.arange(start, start + _CHUNK, dtype=jnp.int32)), latent_size)
        for start in _starts(len(labels))
    ]
    return draw_from_latents(function, variables, np.concatenate(jax.device_get(parts))[: len(labels)], labels)


def draw_from_latents(function: Callable[..., Any], variables: Any, z: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Draws one image for each latent and label.

    Args:
      function: As for `draw`.
      variables: As for `draw`.
      z: float32 [N, latent size].
      labels: int32 [N].

    Returns:
      As `draw`.
    """
    images = []
    for start in _starts(len(labels)):
        # Every chunk is full, so that one compiled shape serves any N; the surplus is cut off.
        chunk_z = np.resize(z[start : start + _CHUNK], (_CHUNK, z.shape[1]))
        chunk = np.resize(labels[start : start + _CHUNK], _CHUNK).astype(np.int32)
        images.append(jax.device_get(function(variables, chunk_z, chunk)))
    return np.concatenate(images)[: len(labels)]


def _starts(num: int) -> range:
    # One chunk even for no image: its shape and dtype are the answer's.
    return range(0, max(num, 1), _CHUNK)
