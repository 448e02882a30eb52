"""Images that look the same though their pixels differ: re-exported, compressed with loss, or the slice beside."""

import functools
import itertools
from collections.abc import Sequence

import numpy as np

_SIDE = 32
# Slices of different people reach a correlation of 0.89 (47 of DeepLesion), neighbours of one person 0.98 to 0.995;
# among 5,856 chest X-rays of 28 pixels only equal ones exceed it.
# Turned copies are exact ones: gradients look like their own, turned.
_ALIKE, _TURNED_ALIKE = 0.99, 0.999
# As a share of the standard deviation: how far mean and contrast may differ.
_SAME_VALUES, _TURNED_VALUES = 0.1, 0.01
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

    Images that are mirrored or turned by a right angle count, as converters between formats make them, where brightness
    and contrast agree closely.

    Args:
      signatures: Of the images.
    """
    if not signatures:
        return []
    values = np.stack(signatures)
    mean, spread = values.mean(1), values.std(1)
    # A flat image correlates with nothing.
    unit = (values - mean[:, None]) / (np.maximum(spread, 1e-6) * _SIDE)[:, None]
    found: set[tuple[int, int]] = set()
    for begin in range(0, len(unit), _AT_ONCE):
        first, second = np.nonzero(unit[begin : begin + _AT_ONCE] @ unit.T > _ALIKE)
        for i, j in zip((first + begin).tolist(), second.tolist(), strict=True):
            near = _SAME_VALUES * max(spread[i], spread[j])
            if i < j and abs(mean[i] - mean[j]) < near and abs(spread[i] - spread[j]) < near:
                found.add((i, j))
        near = _TURNED_VALUES * spread[begin : begin + _AT_ONCE, None]
        same = [np.abs(one[begin : begin + _AT_ONCE, None] - one) <= near for one in (mean, spread)]
        first, second = np.nonzero(same[0] & same[1])
        first += begin
        found |= _turned(unit, first[first < second], second[first < second])
    return sorted(found)


def _turned(unit: np.ndarray, first: np.ndarray, second: np.ndarray) -> set[tuple[int, int]]:
    """Those of some pairs of images of which one is the other, mirrored or turned."""
    squares, found = unit.reshape(-1, _SIDE, _SIDE), set()
    for begin in range(0, len(first), _AT_ONCE):
        i, j = (some[begin : begin + _AT_ONCE] for some in (first, second))
        for turns, mirrored in itertools.product(range(4), (False, True)):
            other = np.rot90(squares[j], turns, (1, 2))
            other = other[:, ::-1] if mirrored else other
            alike = np.einsum("nij,nij->n", squares[i], other) > _TURNED_ALIKE
            found |= set(zip(i[alike].tolist(), j[alike].tolist(), strict=True))
    return found
