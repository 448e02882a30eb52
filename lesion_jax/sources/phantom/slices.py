"""Lesions in a patient's liver, and the slices that show them."""

from collections.abc import Sequence

import numpy as np

from lesion_jax.sources.phantom.anatomy import Patient
from lesion_jax.sources.phantom.lesions import DIAMETER_MM, Look, draw_diameter, draw_look, fill, outline_distance
from lesion_jax.sources.phantom.render import render, scan
from lesion_jax.sources.phantom.shapes import paint

# Slices of a patient that carry marks; more lesions than that share them. Each slice is 0.5 MB.
MAX_MARKED_SLICES = 3
# A lesion's centre lies at least this share of its diameter inside the liver; it may bulge out.
MIN_DEPTH = 0.3
GAP_MM = 4.0
NUM_TRIES = 12
SHRINK = 0.85

# Class, diameter in mm, (x, y) of the centre in mm, appearance.
Placed = tuple[str, float, tuple[float, float], Look]


def place_lesions(draw: np.random.Generator, patient: Patient, labels: Sequence[str], overlap: float) -> list[Placed]:
    """Puts lesions side by side, the largest first; one that finds no room shrinks.

    Args:
      draw: Everything random comes from here.
      patient: On any grid that covers the slice.
      labels: Class of each lesion.
      overlap: See `Phantom`.

    Returns:
      The lesions, in descending order of the diameters that they were to have.
    """
    wishes = sorted(((draw_diameter(draw), label) for label in labels), reverse=True)
    placed: list[Placed] = []
    # Above the middle of the stack the liver has drawn back a little (see render).
    drawn_back = 0.25 * patient.thickness * (MAX_MARKED_SLICES + 1)
    for diameter, label in wishes:
        while True:
            allowed = (patient.liver < -MIN_DEPTH * diameter - drawn_back) & (patient.cavity < -0.5 * diameter - 2)
            center, room = _roomiest(draw, patient, np.flatnonzero(allowed), placed)
            if room >= diameter / 2 + GAP_MM or diameter == DIAMETER_MM[0]:
                break
            diameter = max(DIAMETER_MM[0], diameter * SHRINK)
        placed.append((label, diameter, center, draw_look(draw, label, diameter, patient, overlap)))
    return placed


def mark_slices(draw: np.random.Generator, num_lesions: int) -> list[int]:
    """The slice on which each lesion is widest, from 1; at most `MAX_MARKED_SLICES` are used."""
    last = min(num_lesions, MAX_MARKED_SLICES)
    return [int(draw.integers(1, last + 1)) if i >= last else i + 1 for i in range(num_lesions)]


def draw_slice(
    draw: np.random.Generator,
    patient: Patient,
    lesions: Sequence[Placed],
    marked: Sequence[int],
    index: int,
    textures: Sequence[int] | np.ndarray,
) -> np.ndarray:
    """One slice, or the part of it that the patient's grid covers.

    Args:
      draw: Generator of the noise.
      patient: The patient.
      lesions: From `place_lesions`.
      marked: Slice on which each is widest.
      index: Number of this slice.
      textures: Seed of each lesion's texture.

    Returns:
      int16 in the shape of the patient's grid, HU.
    """
    grid = patient.grid
    cuts = []
    for i, (_, diameter, (x, y), look) in enumerate(lesions):
        away = (index - marked[i]) * patient.thickness / (0.5 * diameter * look.ratio)
        if abs(away) >= 1:
            continue
        radius = 0.5 * diameter * float(np.sqrt(1 - away * away))
        box = grid.box((x - diameter, x + diameter), (y - diameter, y + diameter))
        distance, depth, angle = outline_distance(grid.x[box], grid.y[box], (x, y), radius, look)
        if distance.size:
            cuts.append((i, box, distance, depth, angle, look))
    # The capsule is stretched over the lesion, 1 mm outside of it.
    bulges = [(box, np.maximum(distance, patient.cavity[box] + 1) - 1) for _, box, distance, *_ in cuts]
    image = render(patient, index * patient.thickness, bulges, draw)
    for i, box, distance, depth, angle, look in cuts:
        hu = fill(depth, angle, look, np.random.default_rng(int(textures[i])))
        paint(image[box], distance, hu, look.edge_mm + grid.spacing)
    return scan(image, patient, draw)


def _roomiest(
    draw: np.random.Generator, patient: Patient, spots: np.ndarray, placed: Sequence[Placed]
) -> tuple[tuple[float, float], float]:
    """One of a few random spots: the first when there is nothing else, otherwise the one farthest from the others."""
    best, room = (0.0, 0.0), -np.inf
    for spot in draw.choice(spots, NUM_TRIES if placed else 1) if len(spots) else ():
        jitter = draw.uniform(-0.5, 0.5, 2) * patient.grid.spacing
        x, y = float(patient.grid.x.flat[spot] + jitter[0]), float(patient.grid.y.flat[spot] + jitter[1])
        clearance = min((np.hypot(x - c[0], y - c[1]) - d / 2 for _, d, c, _ in placed), default=np.inf)
        if clearance > room:
            best, room = (x, y), clearance
    return best, room
