"""Images that look the same though their pixels differ: re-exported, compressed with loss, or the slice beside."""

import functools
import itertools
from collections.abc import Sequence

import numpy as np

_SIDE = 32
# Slices of different people reach a correlation of 0.89 (47 of DeepLesion), neighbours of one person 0.98 to 0.995;
# among 5,856 chest X-rays of 28 pixels only equal ones exceed it.
_ALIKE = 0.99
# As a share of the standard deviation: what there must be beside a slope.
_LEAST_SHAPE = 0.2
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
    """Pairs (i, j), i < j, of images that look the same, at whatever brightness and contrast; flat ones do not count.

    Negatives count.

    Images that are mirrored or turned by a right angle count where nothing else differs: gradients look like their own,
    turned.

    Args:
      signatures: Of the images.
    """
    if not signatures:
        return []
    values = np.stack(signatures)
    mean, spread = values.mean(1), values.std(1)
    # A flat image correlates with nothing, and a slope with every other.
    spread = np.where(_beyond_slope(values - mean[:, None]) < _LEAST_SHAPE * spread, np.inf, spread)
    unit = (values - mean[:, None]) / (np.maximum(spread, 1e-6) * _SIDE)[:, None]
    found: set[tuple[int, int]] = set()
    for begin in range(0, len(unit), _AT_ONCE):
        first, second = np.nonzero(np.abs(unit[begin : begin + _AT_ONCE] @ unit.T) > _ALIKE)
        found |= {(i, j) for i, j in zip((first + begin).tolist(), second.tolist(), strict=True) if i < j}
    return sorted(found | _turned(values))


def _beyond_slope(values: np.ndarray) -> np.ndarray:
    """Standard deviation [N] of what no plane through the numbers [N, 1024] explains."""
    rows, columns = (at.ravel() - (_SIDE - 1) / 2 for at in np.mgrid[:_SIDE, :_SIDE])
    planes = np.stack([rows, columns]) / np.linalg.norm(rows)
    return (values - (values @ planes.T) @ planes).std(1)


def _turned(values: np.ndarray) -> set[tuple[int, int]]:
    """Pairs of images of which one is the other, mirrored or turned, to the last number; flat ones do not count."""
    same: dict[bytes, list[int]] = {}
    for index, numbers in enumerate(values):
        if numbers.min() < numbers.max():
            same.setdefault(np.sort(numbers).tobytes(), []).append(index)
    found = set()
    for some in same.values():
        for i, j in itertools.combinations(some, 2):
            one, other = (values[index].reshape(_SIDE, _SIDE) for index in (i, j))
            if any(np.array_equal(np.rot90(side, turns), other) for side in (one, one.T) for turns in range(4)):
                found.add((i, j))
    return found
