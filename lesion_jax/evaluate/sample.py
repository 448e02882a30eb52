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
    images = []
    for start in range(0, len(labels), _CHUNK):
        index = jnp.arange(start, start + _CHUNK, dtype=jnp.int32)
        z = keys.latents(keys.per_example(key, index), latent_size)
        # Every chunk is full, so that one compiled shape serves any N; the surplus is cut off.
        chunk = np.resize(labels[start : start + _CHUNK], _CHUNK).astype(np.int32)
        images.append(jax.device_get(function(variables, z, chunk)))
    return np.concatenate(images)[: len(labels)]
