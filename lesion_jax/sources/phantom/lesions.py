"""How cysts, metastases and hemangiomas of the liver look in the portal venous phase.

One renderer serves the three classes: an irregular outline, an inside that may hold a darker
centre, and an enhancing zone along the edge (an even, thin one
is the rim of a metastasis, knobs are the peripheral nodules of a hemangioma, a deep one its
fill-in). The classes differ only in how `draw_look` draws these values. Metastases and
hemangiomas share part of their range on purpose: hypervascular metastases and hemangiomas with
late or little enhancement are what makes the paper's classifier, and its radiologists, err.
"""

import dataclasses

import numpy as np
from scipy.special import expit

from lesion_jax.sources.phantom.anatomy import Patient
from lesion_jax.sources.phantom.shapes import smooth_field

CLASS_NAMES = ("cyst", "metastasis", "hemangioma")
DIAMETER_MM = (10.0, 102.0)
# Log-normal diameters; the same for every class, so that size alone tells nothing.
MEDIAN_DIAMETER_MM = 25.0
DIAMETER_SIGMA = 0.52

CYST_HU = (0.0, 15.0)
# Unenhanced part of the two solid classes.
METASTASIS_HU = (50.0, 90.0)
HEMANGIOMA_HU = (48.0, 88.0)
# Share of metastases whose zone enhances like a hemangioma's, in patches and near vessel density.
HYPERVASCULAR_SHARE = 0.36
# Share of metastases with a faint even rim, and with a necrotic centre.
RIM_SHARE = 0.6
NECROSIS_SHARE = 0.35
# Share of hemangiomas that have hardly begun to enhance, or do so faintly.
LATE_SHARE = 0.44
# Small hemangiomas often fill at once.
SMALL_HEMANGIOMA_MM = 18.0
FILLED_SHARE = 0.35


@dataclasses.dataclass
class Look:
    """Appearance of one lesion.

    Attributes:
      ratio: Short axis by long axis.
      turn: Angle of the long axis, radians.
      outline: (cosine, sine) amplitudes of the outline's harmonics 2, 3, ..., shares of the radius.
      edge_mm: Width of the edge.
      inside_hu: Mean of the unenhanced part.
      texture_hu: Standard deviation of the unevenness inside.
      center_hu: Change towards the centre; negative for necrosis.
      center_size: Depth at which the centre starts, 0 at the edge to 1.
      zone_hu: Mean of the enhancing zone.
      zone_depth: Depth of the even part of the zone, as a share of the radius; below 0 for none.
      nodules: (angle, radius as a share of the lesion's, stretch along the edge) of each knob, float [N, 3].
      zone_soft: Width of the zone's inner edge, share of the radius.
    """

    ratio: float
    turn: float
    outline: np.ndarray
    edge_mm: float
    inside_hu: float
    texture_hu: float
    center_hu: float
    center_size: float
    zone_hu: float
    zone_depth: float
    nodules: np.ndarray
    zone_soft: float


def draw_diameter(draw: np.random.Generator) -> float:
    """A lesion diameter in mm, log-normal within `DIAMETER_MM`."""
    while True:
        diameter = MEDIAN_DIAMETER_MM * float(np.exp(DIAMETER_SIGMA * draw.standard_normal()))
        if DIAMETER_MM[0] <= diameter <= DIAMETER_MM[1]:
            return diameter


def draw_look(draw: np.random.Generator, label: str, diameter: float, patient: Patient, overlap: float) -> Look:
    """Draws the appearance of a lesion of a class.

    Args:
      draw: Everything random comes from here.
      label: One of `CLASS_NAMES`.
      diameter: mm.
      patient: Liver and vessel density, slice thickness.
      overlap: See `Phantom`.

    Returns:
      The appearance.
    """
    u, liver, vessel = draw.uniform, patient.liver_hu, patient.vessel_hu
    irregular = {"cyst": 0.015, "metastasis": 0.055, "hemangioma": 0.045}[label] * u(0.6, 1.5)
    orders = np.arange(2, 8)
    look = Look(
        ratio=float(u(0.88, 1) if label == "cyst" else u(0.7, 0.98)),
        turn=float(u(0, np.pi)),
        outline=draw.normal(0, irregular, (2, len(orders))) / (orders - 1.0) ** 0.6,
        edge_mm=float(u(0.5, 1.0)),
        inside_hu=float(u(*CYST_HU)),
        texture_hu=1.0,
        center_hu=0.0,
        center_size=0.5,
        zone_hu=liver,
        zone_depth=-1.0,
        nodules=np.zeros((0, 3)),
        zone_soft=0.05,
    )
    if label == "cyst":
        # Through-plane partial volume: a small cyst does not fill a thick slice.
        look.inside_hu += max(0.0, patient.thickness / diameter - 0.15) * (liver - look.inside_hu) * 0.6
        return look
    if label == "metastasis":
        look.inside_hu = float(min(u(*METASTASIS_HU), liver - 25))
        look.edge_mm = float(min(6.0, u(0.07, 0.2) * diameter))
        look.texture_hu = float(u(3, 8))
        if u() < NECROSIS_SHARE:
            look.center_hu, look.center_size = -float(u(12, 34)), float(u(0.3, 0.6))
        if u() < HYPERVASCULAR_SHARE * overlap:
            look.zone_hu = float(liver + u(0.4, 1.0) * (vessel - liver))
            look.zone_depth = float(u(-0.1, 0.12))
            look.nodules = _nodules(draw, int(draw.integers(3, 9)), (0.1, 0.28))
            look.zone_soft = float(u(0.06, 0.15))
        elif u() < RIM_SHARE:
            look.zone_hu = float(liver + u(-6, 0.5 * (vessel - liver)))
            look.zone_depth = float(u(0.08, 0.18))
            look.nodules = _nodules(draw, int(draw.integers(0, 4)), (0.08, 0.18))
            look.zone_soft = float(u(0.05, 0.1))
            look.edge_mm *= 0.6
        return look
    look.inside_hu = float(min(u(*HEMANGIOMA_HU), liver - 25))
    look.edge_mm = float(min(4.0, u(0.04, 0.12) * diameter))
    look.texture_hu = float(u(2, 6))
    look.zone_soft = float(u(0.05, 0.12))
    if diameter < SMALL_HEMANGIOMA_MM and u() < FILLED_SHARE:
        look.zone_depth, look.zone_hu = 1.6, float(vessel - u(0, 25))
    elif u() < LATE_SHARE * overlap:
        look.zone_hu = float(liver + u(-0.1, 0.5) * (vessel - liver))
        look.zone_depth = float(u(-0.15, 0.12))
        look.nodules = _nodules(draw, int(draw.integers(1, 5)), (0.1, 0.24))
    else:
        look.zone_hu = float(vessel + u(-0.3, 0.2) * (vessel - liver))
        look.zone_depth = float(u(-0.2, 0.1))
        look.nodules = _nodules(draw, int(draw.integers(4, 10)), (0.14, 0.38))
    return look


def _nodules(draw: np.random.Generator, count: int, size: tuple[float, float]) -> np.ndarray:
    angle, radius, stretch = (
        draw.uniform(-np.pi, np.pi, count),
        draw.uniform(*size, count),
        draw.uniform(0.9, 1.7, count),
    )
    return np.stack([angle, radius, stretch], axis=1)


def outline_distance(x: np.ndarray, y: np.ndarray, center: tuple[float, float], radius: float, look: Look):
    """Polar coordinates that follow a lesion's outline.

    Args:
      x: float32, mm; any shape.
      y: float32, mm; the same shape.
      center: (x, y) of the lesion, mm.
      radius: Half of the long axis in this slice, mm.
      look: Its outline.

    Returns:
      Signed distance (mm, negative inside), depth (1 in the centre, 0 at the edge) and angle
      (radians), each float32 in the shape of `x`.
    """
    u, v = x - np.float32(center[0]), y - np.float32(center[1])
    cos, sin = np.float32(np.cos(look.turn)), np.float32(np.sin(look.turn))
    u, v = cos * u + sin * v, (cos * v - sin * u) / np.float32(look.ratio)
    angle = np.arctan2(v, u)
    edge = np.ones_like(angle)
    for order, (a, b) in enumerate(look.outline.T.tolist(), start=2):
        edge += np.float32(a) * np.cos(order * angle) + np.float32(b) * np.sin(order * angle)
    # The farthest point stays where the diameter says.
    probe = np.linspace(-np.pi, np.pi, 181)
    waves = np.arange(2, 2 + look.outline.shape[1])[:, None] * probe
    widest = (1 + look.outline[0] @ np.cos(waves) + look.outline[1] @ np.sin(waves)) * np.hypot(
        np.cos(probe), look.ratio * np.sin(probe)
    )
    edge *= np.float32(radius / widest.max())
    distance = np.hypot(u, v)
    return (distance - edge) * np.float32((1 + look.ratio) / 2), 1 - distance / edge, angle


def fill(depth: np.ndarray, angle: np.ndarray, look: Look, draw: np.random.Generator) -> np.ndarray:
    """Density inside a lesion.

    Args:
      depth: float32 [R, C], from `outline_distance`.
      angle: float32 [R, C], likewise.
      look: Appearance.
      draw: Generator of the texture; give the same state for every slice of a lesion.

    Returns:
      float32 [R, C], HU.
    """
    rows, columns = depth.shape
    size = max(rows, columns)
    coarse, fine = (smooth_field(draw, cells, size)[:rows, :columns] for cells in (7, 16))
    hu = look.inside_hu + np.float32(look.texture_hu) * (coarse + 0.6 * fine)
    center = expit((depth + 0.1 * coarse - look.center_size) / np.float32(0.1))
    hu = hu + np.float32(look.center_hu) * center
    # Depth of the enhancing zone's inner edge at each point, as a distance from that edge: positive inside the zone.
    zone = look.zone_depth - depth
    for middle, size, stretch in look.nodules.tolist():
        away = np.angle(np.exp(1j * (angle - middle))).astype(np.float32)
        inward = 1 - depth
        along, across = inward * np.sin(away) / np.float32(stretch), inward * np.cos(away) - np.float32(1 - 0.75 * size)
        knob = np.where(np.cos(away) > 0, np.float32(size) - np.hypot(along, across), np.float32(-1))
        np.maximum(zone, knob, out=zone)
    share = expit((zone + 0.05 * fine + 0.04 * coarse) / np.float32(look.zone_soft))
    return (hu + share * (np.float32(look.zone_hu) - hu)).astype(np.float32)
