"""Shapes of the phantom as signed distances on a pixel grid, and how a tissue is painted into one.

All lengths are mm; distances are negative inside.
"""

import numpy as np

SIZE = 512


def smooth_field(draw: np.random.Generator, cells: int, size: int = SIZE) -> np.ndarray:
    """Band-limited random field: a cubic spline with random coefficients.

    Args:
      draw: Source of the noise.
      cells: Independent values along a side.
      size: Side of the result, pixels.

    Returns:
      float32 [size, size], mean about 0, standard deviation about 0.5.
    """
    knots = draw.standard_normal((cells + 2, cells + 2)).astype(np.float32)
    grid = np.linspace(0.5, cells + 0.5, size, dtype=np.float32)
    # Cubic B-splines, one axis at a time: a two-dimensional map_coordinates takes twenty times as long.
    t = np.abs(grid[None, :] - np.arange(cells + 2, dtype=np.float32)[:, None])
    basis = np.where(t < 1, 2 / 3 - t * t + t**3 / 2, np.clip(2 - t, 0, None) ** 3 / 6).astype(np.float32)
    return basis.T @ knots @ basis


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
