"""Which other lesion, turned and flipped how, fits along the edge of the mask, and where that edge is best.

A lesion at the liver's edge has fat on one side. Upon tissue that is chosen blindly its disc would end in a dark
crescent; so the best of a few random choices is taken, in a picture of the surroundings by distance and direction.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

from lesion_jax.core.types import Lesion
from lesion_jax.data import draws
from lesion_jax.families.blending import MASK_RADIUS, View

# Where the two are compared, in lesion radii: along the edge and a little outside of it.
_COMPARED = np.array([MASK_RADIUS, MASK_RADIUS + 0.15])
# Where the edge may be: a lesion reaches to one radius, and is never cut.
_EDGES = np.linspace(1.0, MASK_RADIUS, 6)
_NUM_TRIES = 16
_NUM_ANGLES, _NUM_RADII = 64, 64
# Smoothing of the patch, as a share of its side: a tenth of the lesion's radius. Noise must not decide.
_SMOOTHING = 1 / 80
# Neighbouring directions that share an edge: a kernel of weights.
_KERNEL = np.array([1, 4, 6, 4, 1]) / 16
_STEP = 2 * np.pi / _NUM_ANGLES
_THETA = np.arange(_NUM_ANGLES) * _STEP
_FLIPS = np.array([(1.0, 1.0), (-1.0, 1.0), (1.0, -1.0), (-1.0, -1.0)])


@dataclasses.dataclass(frozen=True, eq=False)
class Fit:
    """Another lesion that lies on a fixed view.

    Attributes:
      view: How it lies there.
      level: By how much its tissue is above that of the fixed view, in the dataset's unit.
      edge: Radius of the mask by direction in the image, in lesion radii: float64 [64], from the columns' axis towards
        higher rows.
    """

    view: View
    level: float
    edge: np.ndarray

    def edge_at(self, direction: np.ndarray) -> np.ndarray:
        """Radius of the mask in each direction, radians; any shape."""
        return np.interp(direction, _THETA, self.edge, period=2 * np.pi)


class Surroundings:
    """Remembers the surroundings of lesions, each as an image by distance and direction."""

    def __init__(self):
        """Knows none yet."""
        self._held: dict[str, tuple[float, np.ndarray]] = {}

    def best(self, fixed: View, others: Sequence[Lesion], seed: int) -> Fit:
        """The best of 16 random choices of a lesion, rotation and flip to lie on a view.

        Best is the least mean absolute difference along the rings: livers of one level, fat upon fat. The edge lies
        where they differ least once the median difference is taken off, between 1 and 1.15 lesion radii in each
        direction.

        Args:
          fixed: The view that another one must fit.
          others: Lesions to choose from; their diameters decide how large their crops are.
          seed: Seed of the choices.
        """
        drawn = draws.uniform("seam", seed, count=3 * _NUM_TRIES).reshape(3, _NUM_TRIES)
        which, turn, flip = (drawn * [[len(others)], [_NUM_ANGLES // 2], [len(_FLIPS)]]).astype(int)
        views = [
            View(others[i], float(k * _STEP), _FLIPS[j], fixed.offset)
            for i, k, j in zip(which.tolist(), turn.tolist(), flip.tolist(), strict=True)
        ]
        own = self._rings(fixed, _COMPARED)
        differences = np.stack([self._rings(view, _COMPARED) - own for view in views])
        best = int(np.abs(differences).mean((1, 2)).argmin())
        level = float(np.median(differences[best]))
        return Fit(views[best], level, self._edge(fixed, views[best], level))

    def _edge(self, fixed: View, view: View, level: float) -> np.ndarray:
        costs = np.abs(self._rings(view, _EDGES) - self._rings(fixed, _EDGES) - level)
        return _smooth(_EDGES[_smooth(costs).argmin(0)])

    def _rings(self, view: View, radii: np.ndarray) -> np.ndarray:
        """Smoothed values around a view's lesion, float64 [radii, 64], by direction in the image."""
        reach, values = self._polar(view.lesion)
        at = radii * (view.lesion.diameter_mm / 2 / reach * (_NUM_RADII - 1))
        low = np.minimum(at.astype(int), _NUM_RADII - 2)
        share = np.minimum(at - low, 1)[:, None]
        rings = (1 - share) * values[low] + share * values[low + 1]
        # The direction in the patch of each direction in the image, as `augment.affine_maps` turns and flips.
        there = np.arctan2(view.flip[0] * np.sin(_THETA), view.flip[1] * np.cos(_THETA)) - view.angle
        step = there / _STEP
        first = np.floor(step).astype(int)
        share = step - first
        return (1 - share) * rings[:, first % _NUM_ANGLES] + share * rings[:, (first + 1) % _NUM_ANGLES]

    def _polar(self, lesion: Lesion) -> tuple[float, np.ndarray]:
        """(largest distance in mm, smoothed values [distances, directions in the patch])."""
        if lesion.lesion_id not in self._held:
            from scipy import ndimage

            smooth = ndimage.gaussian_filter(lesion.patch.astype(np.float32), min(lesion.patch.shape) * _SMOOTHING)
            reach = reach_mm(lesion)
            away = np.linspace(0, reach, _NUM_RADII)[:, None]
            rows = lesion.center[0] + away * np.sin(_THETA) / lesion.spacing_mm[0]
            columns = lesion.center[1] + away * np.cos(_THETA) / lesion.spacing_mm[1]
            self._held[lesion.lesion_id] = reach, ndimage.map_coordinates(smooth, [rows, columns], order=1)
        return self._held[lesion.lesion_id]


def reach_mm(lesion: Lesion) -> float:
    """Distance from the lesion's centre to the nearest border of its patch, mm; never below one pixel."""
    return min(
        max(1.0, min(at, size - 1 - at)) * spacing
        for at, size, spacing in zip(lesion.center, lesion.patch.shape, lesion.spacing_mm, strict=True)
    )


def _smooth(by_direction: np.ndarray) -> np.ndarray:
    """Along the last axis, which is a circle."""
    shifts = range(-(len(_KERNEL) // 2), len(_KERNEL) // 2 + 1)
    return sum(weight * np.roll(by_direction, k, -1) for k, weight in zip(shifts, _KERNEL, strict=True))  # pyright: ignore[reportReturnType]
