"""Shapes of the phantom as signed distances on a pixel grid, and how a tissue is painted into one.

All lengths are mm; distances are negative inside.
"""

import dataclasses
import functools

import numpy as np

SIZE = 512
# Rows and columns of a slice.
Part = tuple[slice, slice]
EVERYWHERE: Part = (slice(None), slice(None))


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """Places of the pixels of a slice, or of a part of it.

    Attributes:
      x: float32 [R, C], mm.
      y: float32 [R, C], mm.
      spacing: Side of a pixel, mm.
    """

    x: np.ndarray
    y: np.ndarray
    spacing: float

    def box(self, x: tuple[float, float], y: tuple[float, float]) -> Part:
        """The part of the grid that covers a rectangle.

        Args:
          x: Lowest and highest x, mm; may lie outside the grid.
          y: Likewise.

        Returns:
          Slices of rows and of columns; empty where the rectangle misses the grid.
        """

        def span(low: float, high: float, origin: float) -> slice:
            return slice(max(0, int((low - origin) / self.spacing)), max(0, int((high - origin) / self.spacing) + 2))

        return span(*y, float(self.y[0, 0])), span(*x, float(self.x[0, 0]))


def smooth_field(draw: np.random.Generator, cells: int, size: int = SIZE, part: Part = EVERYWHERE) -> np.ndarray:
    """Band-limited random field: a cubic spline with random coefficients.

    Args:
      draw: Source of the noise; what is drawn does not depend on `size` or `part`.
      cells: Independent values along a side.
      size: Side of the field, pixels.
      part: Rows and columns that are wanted.

    Returns:
      float32 [size, size] or the part of it, mean about 0, standard deviation about 0.5.
    """
    knots = draw.standard_normal((cells + 2, cells + 2)).astype(np.float32)
    # Cubic B-splines, one axis at a time: a two-dimensional map_coordinates takes twenty times as long.
    basis = _basis(cells, size)
    rows, columns = (basis[:, span] for span in part)
    return rows.T @ knots @ columns


# Every patient needs those of a whole slice; a lesion's texture one of its own size.
@functools.lru_cache(maxsize=64)
def _basis(cells: int, size: int) -> np.ndarray:
    at = np.linspace(0.5, cells + 0.5, size, dtype=np.float32)
    t = np.abs(at[None, :] - np.arange(cells + 2, dtype=np.float32)[:, None])
    basis = np.where(t < 1, 2 / 3 - t * t + t**3 / 2, np.clip(2 - t, 0, None) ** 3 / 6).astype(np.float32)
    basis.setflags(write=False)
    return basis


def ellipse(x: np.ndarray, y: np.ndarray, center: tuple[float, float], axes: tuple[float, float], turn: float = 0.0):
    """Signed distance to an ellipse, exact to first order at its edge.

    Args:
      x: float32, mm; any shape.
      y: float32, mm; the same shape.
      center: (x, y), mm.
      axes: Semi-axes along x and y before turning, mm.
      turn: Radians.

    Returns:
      float32, mm, negative inside; the shape of `x`.
    """
    cos, sin = np.float32(np.cos(turn)), np.float32(np.sin(turn))
    u, v = x - np.float32(center[0]), y - np.float32(center[1])
    u, v = (cos * u + sin * v) / np.float32(axes[0]), (cos * v - sin * u) / np.float32(axes[1])
    k = np.sqrt(u * u + v * v)
    slope = np.sqrt((u / np.float32(axes[0])) ** 2 + (v / np.float32(axes[1])) ** 2) + np.float32(1e-6)
    return (k - 1) * (k + np.float32(1e-6 * min(axes))) / slope


def ellipse_box(
    grid: Grid, center: tuple[float, float], axes: tuple[float, float], turn: float, reach: float, bend: float = 0.0
) -> Part:
    """The part of a grid outside of which an ellipse is farther away than `reach`.

    `ellipse` gives at least (k - 1) times the short semi-axis at a point through which the ellipse of k times the
    size passes.

    Args:
      grid: Places of the pixels.
      center: As in `ellipse`.
      axes: Likewise.
      turn: Likewise.
      reach: mm.
      bend: The farthest that coordinates given to `ellipse` lie from the grid's, mm along an axis.
    """
    scale = 1 + reach / min(axes)
    wide = scale * float(np.hypot(axes[0] * np.cos(turn), axes[1] * np.sin(turn))) + bend
    tall = scale * float(np.hypot(axes[0] * np.sin(turn), axes[1] * np.cos(turn))) + bend
    return grid.box((center[0] - wide, center[0] + wide), (center[1] - tall, center[1] + tall))


def torso(x: np.ndarray, y: np.ndarray, center: tuple[float, float], axes: tuple[float, float]) -> np.ndarray:
    """Signed distance to the outline of a trunk; arguments as `ellipse`.

    Good to 10 % at the edge: away from the axes the slope is taken from the mean axis.
    """
    # Flatter than an ellipse at the back and the flanks.
    u, v = (x - np.float32(center[0])) / np.float32(axes[0]), (y - np.float32(center[1])) / np.float32(axes[1])
    v = np.where(v > 0, 1.05 * v + 0.06 * np.cos(np.clip(3.4 * u, -np.pi, np.pi)) * v, v)
    k = (np.abs(u) ** 2.35 + np.abs(v) ** 2.35) ** np.float32(1 / 2.35)
    return ((k - 1) * np.float32(0.5 * (axes[0] + axes[1]))).astype(np.float32)


def join(a: np.ndarray, b: np.ndarray, blend: float) -> np.ndarray:
    """Signed distance to the union of two shapes, merged over `blend` mm (polynomial smooth minimum)."""
    h = np.clip(0.5 + 0.5 * (b - a) / blend, 0, 1)
    return b + (a - b) * h - np.float32(blend) * h * (1 - h)


def paint(image: np.ndarray, distance: np.ndarray, hu: float | np.ndarray, soft: float | np.ndarray) -> None:
    """Lays a tissue over the image where its signed distance is negative, in place.

    Args:
      image: float32 HU, changed.
      distance: Signed distance, mm; the shape of `image`.
      hu: HU of the tissue.
      soft: Width of the edge, mm: the share of a pixel that is tissue runs over it (partial volume).
    """
    share = np.clip(0.5 - distance / soft, 0, 1)
    rows = np.flatnonzero(share.any(1))
    if not len(rows):
        return
    columns = np.flatnonzero(share.any(0))
    box = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    image[box] += share[box] * ((hu[box] if isinstance(hu, np.ndarray) else np.float32(hu)) - image[box])
