"""Images that look the same though their pixels differ: re-exported, compressed with loss, or the slice beside."""

import functools
from collections.abc import Sequence

import numpy as np

_SIDE = 32
# Slices of different people reach a correlation of 0.89 (47 of DeepLesion), neighbours of one person 0.98 to 0.995;
# among 5,856 chest X-rays of 28 pixels only equal ones exceed it.
_ALIKE = 0.99
# As a share of the standard deviation: how far mean and contrast may differ.
_SAME_VALUES = 0.1
_AT_ONCE = 1024


def signature(pixels: np.ndarray) -> np.ndarray:
    """What an image looks like.

    Args:
      pixels: int16 [H, W].

    Returns:
      float32 [1024], its values at 32 x 32 places.
    """
    rows, columns = map(_places, pixels.shape)
    return pixels[rows[:, None], columns].astype(np.float32).reshape(-1)


@functools.cache
def _places(side: int) -> np.ndarray:
    return np.linspace(0, side - 1, _SIDE).round().astype(int)


def alike(signatures: Sequence[np.ndarray]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of images that look the same, in structure, brightness and contrast; flat ones do not count.

    Args:
      signatures: Of the images.
    """
    if not signatures:
        return []
    values = np.stack(signatures)
    mean, spread = values.mean(1), values.std(1)
    # A flat image correlates with nothing.
    unit = (values - mean[:, None]) / (np.maximum(spread, 1e-6) * _SIDE)[:, None]
    found = []
    for begin in range(0, len(unit), _AT_ONCE):
        first, second = np.nonzero(unit[begin : begin + _AT_ONCE] @ unit.T > _ALIKE)
        for i, j in zip((first + begin).tolist(), second.tolist(), strict=True):
            near = _SAME_VALUES * max(spread[i], spread[j])
            if i < j and abs(mean[i] - mean[j]) < near and abs(spread[i] - spread[j]) < near:
                found.append((i, j))
    return found
