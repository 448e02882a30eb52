"""Looks whose pattern lies at a random angle: what the paper's augmentation is for.

With the default looks brightness and depth of the edge tell the classes apart, whatever the angle, so that turning,
flipping and shifting teaches a network little. Here every lesion has a dark inside and two nodules at its edge, and
the angle between these is the class: side by side (cyst), about a right angle (metastasis), opposite (hemangioma).
The names are the default's, for the sake of the labels: nothing here is a statement about livers. Brightness helps a
little: three overlapping ranges, of which the best rule tells 60 % right (each range is 25 HU wide, its neighbour
begins 10 HU further: 45 / 25 / 3).
"""

import numpy as np

from lesion_jax.sources.phantom.anatomy import Patient
from lesion_jax.sources.phantom.lesions import Look

# Between the two nodules, radians.
GAP = {"cyst": 0.75, "metastasis": 1.75, "hemangioma": np.pi}
GAP_SPREAD = 0.25
# Least by which the inside is darker than the liver, HU, and the width of the range.
DARKER_HU = {"cyst": 35.0, "metastasis": 25.0, "hemangioma": 15.0}
DARKER_RANGE_HU = 25.0


def draw_look(draw: np.random.Generator, label: str, diameter: float, patient: Patient) -> Look:
    """Draws the appearance of a lesion of a class; see `lesions.draw_look`."""
    u, liver, vessel = draw.uniform, patient.liver_hu, patient.vessel_hu
    orders = np.arange(2, 8)
    first = u(-np.pi, np.pi)
    second = first + GAP[label] + u(-GAP_SPREAD, GAP_SPREAD)
    return Look(
        ratio=float(u(0.75, 1)),
        turn=float(u(0, np.pi)),
        outline=draw.normal(0, 0.04 * u(0.6, 1.5), (2, len(orders))) / (orders - 1.0) ** 0.6,
        edge_mm=float(u(0.04, 0.16) * diameter),
        inside_hu=float(liver - DARKER_HU[label] - u(0, DARKER_RANGE_HU)),
        texture_hu=float(u(2, 6)),
        center_hu=0.0,
        center_size=0.5,
        zone_hu=float(liver + u(-0.2, 0.8) * (vessel - liver)),
        zone_depth=-1.0,
        nodules=np.array([(angle, u(0.22, 0.34), u(0.9, 1.5)) for angle in (first, second)]),
        zone_soft=float(u(0.05, 0.12)),
    )
