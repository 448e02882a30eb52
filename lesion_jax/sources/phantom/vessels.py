"""Vessels of the phantom's liver: branching trees, and dots where a vessel crosses the slice."""

import numpy as np

NUM_VESSEL_TREES = 7


def grow_vessels(draw: np.random.Generator, cava: tuple[float, float], wide: float, deep: float) -> np.ndarray:
    """Draws the portal and hepatic veins of a slice.

    Args:
      draw: Everything random comes from here.
      cava: (x, y) of the vena cava, mm, where three of the trees begin.
      wide: Half the width of the trunk, mm.
      deep: Half its depth, mm.

    Returns:
      float32 [N, 6]: (x0, y0, x1, y1, radius, share) of each segment, mm; share of the vessels' density above the
      liver's.
    """
    segments = []

    def grow(x: float, y: float, heading: float, radius: float, share: float, steps: int) -> None:
        for i in range(steps):
            length = draw.uniform(6, 12)
            heading += draw.normal(0, 0.22)
            x1, y1 = x + length * np.cos(heading), y + length * np.sin(heading)
            segments.append((x, y, x1, y1, radius, share))
            x, y, radius = x1, y1, radius * 0.93
            share *= draw.uniform(0.86, 1.02)
            if radius > 1.0 and i and draw.random() < 0.4:
                turn, thin, pale = (
                    draw.choice([-1, 1]) * draw.uniform(0.4, 0.9),
                    draw.uniform(0.55, 0.8),
                    draw.uniform(0.7, 1),
                )
                grow(x, y, heading + turn, radius * thin, share * pale, max(2, steps - i - 2))

    for tree in range(NUM_VESSEL_TREES):
        share = draw.uniform(0.35, 0.95)
        if tree < 3:
            grow(cava[0] - 6, cava[1] - 4, -np.pi + draw.uniform(-0.9, 1.3), draw.uniform(2.2, 4.2), share, 8)
        else:
            start = (draw.uniform(-0.65, 0.1) * wide, draw.uniform(-0.4, 0.3) * deep)
            grow(*start, draw.uniform(-np.pi, np.pi), draw.uniform(1.2, 3.2), share * 0.9, int(draw.integers(2, 5)))
    # Vessels that cross the slice at a right angle are dots.
    for _ in range(34):
        x, y = draw.uniform(-0.8, 0.3) * wide, draw.uniform(-0.6, 0.55) * deep
        radius, share = draw.uniform(0.8, 2.3), draw.uniform(0.3, 0.95)
        segments.append((x, y, x + draw.normal(0, 2), y + draw.normal(0, 2), radius, share))
    return np.asarray(segments, np.float32)
