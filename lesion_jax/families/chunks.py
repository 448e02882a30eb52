"""Calls of compiled functions in chunks of one size, so that one compiled shape serves any number of images."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

CHUNK = 64


def classify(function: Callable[[np.ndarray], Any], pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classifies images.

    Args:
      function: pixels [64, H, H] -> (probabilities [64, C], features [64, F]).
      pixels: [N, H, H], of any dtype.

    Returns:
      (probabilities float32 [N, C], features float32 [N, F]), on the host.
    """
    outputs = []
    for start in starts(len(pixels)):
        chunk = pixels[start : start + CHUNK]
        padded = np.concatenate([chunk, np.zeros((CHUNK - len(chunk), *pixels.shape[1:]), pixels.dtype)])
        outputs.append(tuple(x[: len(chunk)] for x in jax.device_get(function(padded))))
    probabilities, features = zip(*outputs, strict=True)
    return np.concatenate(probabilities), np.concatenate(features)


def draw(function: Callable[..., Any], *inputs: np.ndarray) -> np.ndarray:
    """Draws images.

    Args:
      function: inputs [64, ...] -> int16 [64, H, H].
      *inputs: [N, ...] each, on the host.

    Returns:
      int16 [N, H, H], on the host.
    """
    num = len(inputs[0])
    images = []
    for start in starts(num):
        # Every chunk is full; the surplus is cut off.
        chunk = [np.resize(x[start : start + CHUNK], (CHUNK, *x.shape[1:])) for x in inputs]
        images.append(jax.device_get(function(*chunk)))
    return np.concatenate(images)[:num]


def starts(num: int) -> range:
    """First position of each chunk; one chunk even for nothing: its shape and dtype are the answer's."""
    return range(0, max(num, 1), CHUNK)
