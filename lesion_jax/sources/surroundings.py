"""Lesions whose surroundings are the same though no pixel is: cropped, rescaled to other grey values, compressed.

What is compared is the fine texture around a lesion, since lesions of one kind look alike and so do the edges of
bodies, but noise and vessels are nobody else's. It is of no unit: contrast, brightness and sign do not matter.
"""

import dataclasses
import functools
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import ndimage

# Samples from the centre to the border of what is compared. The lesion itself, and a margin, take about 15 at most.
_HALF, _MOST_RADIUS, _MARGIN = 24, 12, 1.25
# Pixels a sample -> the correlation beyond which surroundings are the same. Among 900 lesions of 425 patients of the
# phantom unrelated pairs reach 0.32 and 0.62, among 47 of DeepLesion 0.33; at four pixels, where organs are seen, which
# lie alike in everybody, 0.80. Of copies of those 47, cropped and compressed by JPEG in a window of 400 HU, 9 to 26 to
# 1, 44 exceed it, and 38 to 40 where they are marked anew two pixels away.
_ALIKE = {1: 0.6, 2: 0.72}
_LEAST_SAMPLES = 400
# Standard deviations of the two blurs between which the texture lies, in samples.
_FINE, _COARSE = 1.0, 3.0
_BORDER = 6
_EDGE, _MOST_EDGE = 2.0, 0.5
# In pixels' units: what is smoother is drawn or computed, and has no texture.
_LEAST_SPREAD = 0.1
# Copies are marked anew to a pixel or two.
_SHIFT = 2
# What is blurred and thinned out, to find the few pairs worth a closer look.
_BLUR, _STRIDE, _WORTH = 2.0, 3, 0.3
_AT_ONCE = 1024


@dataclasses.dataclass(frozen=True, eq=False)
class Surroundings:
    """The texture around a lesion.

    Attributes:
      step: Pixels a sample.
      values: float32 [49, 49] in -1 to 1; 0 in the lesion and beyond the image.
    """

    step: int
    values: np.ndarray


def surroundings(pixels: np.ndarray, center: tuple[float, float], radius: float) -> Surroundings | None:
    """The texture around a lesion, or None where there is none or too little of it, or the lesion is too large.

    Args:
      pixels: int16 [H, W].
      center: (row, column) of the lesion's centre.
      radius: Its radius in pixels.
    """
    step = next((step for step in _ALIKE if radius <= _MOST_RADIUS * step), None)
    if step is None:
        return None
    side = (2 * _HALF + 1) * step
    first = [round(at) - side // 2 for at in center]
    rows, columns = (np.arange(start, start + side) for start in first)
    inside = [
        (low <= places) & (places <= high)
        for places, (low, high) in zip((rows, columns), (_own(pixels), _own(pixels.T)), strict=True)
    ]
    window = pixels[np.ix_(*(np.clip(at, 0, size - 1) for at, size in zip((rows, columns), pixels.shape, strict=True)))]
    window = window.astype(np.float32).reshape(2 * _HALF + 1, step, -1, step).mean((1, 3))
    # What is near the border, the blurs mix with what is beyond.
    near = np.ones(2 * _BORDER + 1)
    whole = (np.convolve(~each.reshape(-1, step).all(1), near, "same") == 0 for each in inside)
    counted = np.logical_and.outer(*whole)
    away = np.hypot(*np.mgrid[-_HALF : _HALF + 1, -_HALF : _HALF + 1])
    counted &= away > _MARGIN * radius / step
    if counted.sum() < _LEAST_SAMPLES:
        return None
    texture = _blurred(window, _FINE) - _blurred(window, _COARSE)
    spread = float(np.median(np.abs(texture[counted])))
    if spread < _LEAST_SPREAD:
        return None
    texture = np.clip(texture / (1.5 * spread), -1, 1)
    # Edges of bodies and bones, which are everybody's, go on where noise changes its sign.
    counted &= np.abs(_blurred(texture, _EDGE)) < _MOST_EDGE
    if counted.sum() < _LEAST_SAMPLES:
        return None
    return Surroundings(step, np.where(counted, texture, 0).astype(np.float32))


def _blurred(window: np.ndarray, deviation: float) -> np.ndarray:
    blur = _blur(deviation)
    return blur @ window @ blur.T


@functools.cache
def _blur(deviation: float) -> np.ndarray:
    """A Gaussian filter along one axis as a matrix: for windows so small, in a tenth of the time."""
    return ndimage.gaussian_filter1d(np.eye(2 * _HALF + 1, dtype=np.float32), deviation, axis=0)


def _own(pixels: np.ndarray) -> tuple[int, int]:
    """First and last row that are the image's own: patches go on beyond it with its edge."""
    changes = np.flatnonzero((pixels[1:] != pixels[:-1]).any(1))
    return (int(changes[0]), int(changes[-1]) + 1) if len(changes) else (0, -1)


def alike_surroundings(each: Sequence[Surroundings], patients: Sequence[str]) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, of lesions of two patients whose surroundings are the same.

    Args:
      each: Of the lesions.
      patients: Theirs.
    """
    found = []
    _, whose = np.unique(list(patients), return_inverse=True)
    for step in {one.step for one in each}:
        some = [index for index, one in enumerate(each) if one.step == step]
        for i, j in _candidates([each[at].values for at in some], whose[some]):
            pair = some[i], some[j]
            if _correlation(each[pair[0]].values, each[pair[1]].values) > _ALIKE[step]:
                found.append(pair)
    return sorted(found)


def _candidates(textures: Sequence[np.ndarray], whose: np.ndarray) -> Iterator[tuple[int, int]]:
    blur = _blur(_BLUR)[::_STRIDE]
    blurred = np.stack([(blur @ one @ blur.T).ravel() for one in textures])
    unit = blurred / np.maximum(np.linalg.norm(blurred, axis=1, keepdims=True), 1e-6)
    for begin in range(0, len(unit), _AT_ONCE):
        is_near = np.abs(unit[begin : begin + _AT_ONCE] @ unit.T) > _WORTH
        is_near &= whose[begin : begin + _AT_ONCE, None] != whose
        first, second = np.nonzero(is_near)
        first += begin
        yield from zip(first[first < second].tolist(), second[first < second].tolist(), strict=True)


def _correlation(one: np.ndarray, other: np.ndarray) -> float:
    """The largest over small shifts; only what both know counts."""
    inner = one[_SHIFT:-_SHIFT, _SHIFT:-_SHIFT]
    moved = np.lib.stride_tricks.sliding_window_view(other, inner.shape).reshape(-1, inner.size)
    flat = inner.ravel()
    known = (flat != 0) & (moved != 0)
    is_enough = known.sum(1) >= _LEAST_SAMPLES
    norms = np.sqrt((known @ flat**2) * (np.where(known, moved, 0) ** 2).sum(1))
    return float(np.max(np.abs((moved @ flat)[is_enough] / norms[is_enough]), initial=0))
