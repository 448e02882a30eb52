"""Features of images by the paper's CNN with fixed random weights: nothing is downloaded, nothing was ever trained."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.core import keys
from lesion_jax.models.cnn import Classifier

_NETWORK = Classifier(num_classes=2, width=32, dtype=jnp.float32)
_BATCH = 64
_DETAIL_WINDOW = 5


def random_features(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Last-layer features of the paper's CNN with fixed random weights.

    Args:
      images: float [N, H, H] or [N, H, H, 1] in [-1, 1].

    Returns:
      Two float32 [N, 256] on the host: of the image, and of its detail (image minus its 5x5 mean). The
      first follows brightness and shape, the second noise, blur and checkerboards.
    """
    images = np.asarray(images, np.float32)
    images = images if images.ndim == 4 else images[..., None]
    num = len(images)
    # One shape for the compiler, whatever the number of images.
    padded = np.concatenate([images, np.zeros((-num % _BATCH, *images.shape[1:]), np.float32)])
    params = _random_params(images.shape[1])
    parts = [_features(params, padded[i : i + _BATCH]) for i in range(0, len(padded), _BATCH)]
    coarse, detail = (np.concatenate([np.asarray(p) for p in side])[:num] for side in zip(*parts, strict=True))
    return coarse, detail


@functools.cache
def _random_params(image_size: int) -> Any:
    """The fixed weights for one image size."""
    blank = jnp.zeros((1, image_size, image_size, 1), jnp.float32)
    return jax.jit(_NETWORK.init)(keys.stream(0, "kernel_distance"), blank)


@jax.jit
def _features(params: Any, images: jax.Array) -> tuple[jax.Array, jax.Array]:
    """float32 [64, H, H, 1] -> two float32 [64, 256]."""
    border = _DETAIL_WINDOW // 2
    padded = jnp.pad(images, ((0, 0), (border, border), (border, border), (0, 0)), mode="edge")
    detail = images - nn.avg_pool(padded, (_DETAIL_WINDOW, _DETAIL_WINDOW))
    # flax types the result of `apply` too widely for a tuple of arrays.
    outputs: list[Any] = [_NETWORK.apply(params, x) for x in (images, detail)]
    return outputs[0][1], outputs[1][1]
