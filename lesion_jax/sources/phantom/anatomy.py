"""One phantom patient: organs of the upper abdomen in the portal venous phase, and the scanner's settings.

Organs are signed distances (mm, negative inside) on the pixel grid, computed once per patient;
a slice shifts them a little with z, so that neighbouring slices agree. x runs to the patient's
left (image right), y to the back (image bottom), both in mm from the middle of the body.
Contrast and noise were set by looking at portal-phase slices of NIH DeepLesion.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

from lesion_jax.sources.phantom.options import DEFAULT_SCANNER, Scanner
from lesion_jax.sources.phantom.shapes import (
    EVERYWHERE,
    SIZE,
    Grid,
    Part,
    ellipse,
    ellipse_box,
    join,
    smooth_field,
    torso,
)
from lesion_jax.sources.phantom.vessels import grow_vessels

LUNG_HU = -840.0
FAT_HU = -102.0
MUSCLE_HU = 62.0
LIVER_HU = (98.0, 122.0)
VESSEL_HU = (148.0, 182.0)
# Standard deviation of the noise in the liver, and the frequency at which its power has fallen to 1/e: DeepLesion's
# liver slices lie between 8 and 19 HU; their power falls about as exp(-(f/f0)**1.5), f0 from 0.18 to 0.36 per mm.
NOISE_HU = (9.5, 19.0)
NOISE_CUTOFF = (0.18, 0.36)
# Sigma of the in-plane point spread, mm: soft-tissue kernels have a full width at half maximum of 1.2 to 1.7 mm.
BLUR_MM = (0.5, 0.72)
PARENCHYMA_HU = 2.5


# (part of the grid, signed distance there in mm, HU, change of the distance per mm of z), painted in this order.
Layers = list[tuple[Part, np.ndarray, float, float]]


@dataclasses.dataclass(frozen=True)
class _Bent:
    """Coordinates that turn every ellipse into something grown.

    Attributes:
      grid: The straight ones.
      x: float32, mm.
      y: float32, mm.
      by: The farthest that a point has moved along an axis, mm.
    """

    grid: Grid
    x: np.ndarray
    y: np.ndarray
    by: float

    def ellipse(
        self, center: tuple[float, float], axes: tuple[float, float], turn: float = 0.0, grow: float = 0.0
    ) -> tuple[Part, np.ndarray]:
        """Signed distance to an ellipse, and the part of the grid outside of which it is more than `grow` away."""
        box = ellipse_box(self.grid, center, axes, turn, grow + self.grid.spacing, self.by)
        return box, ellipse(self.x[box], self.y[box], center, axes, turn)


@dataclasses.dataclass
class Patient:
    """Geometry and scanner settings of one patient.

    Attributes:
      grid: Places of the pixels.
      thickness: Slice thickness and distance, mm.
      liver_hu: Enhanced parenchyma.
      vessel_hu: Portal and hepatic veins.
      noise_hu: Standard deviation of the noise in the liver.
      noise_cutoff: Cut-off frequency of the noise power, cycles per mm.
      blur_mm: Sigma of the point spread.
      offset_hu: Error of the scanner's calibration.
      cavity: Signed distance to the inside of the chest and abdominal wall, mm.
      liver: Signed distance to the liver, mm.
      layers: Everything that is painted before the liver.
      over: Layers that are painted after the liver.
      vessels: (x0, y0, x1, y1, radius, share) of liver vessels; share of `vessel_hu` above the parenchyma.
      parenchyma: float32 on the grid, HU, the slow unevenness of perfusion.
    """

    grid: Grid
    thickness: float
    liver_hu: float
    vessel_hu: float
    noise_hu: float
    noise_cutoff: float
    blur_mm: float
    offset_hu: float
    cavity: np.ndarray
    liver: np.ndarray
    layers: Layers
    over: Layers
    vessels: np.ndarray
    parenchyma: np.ndarray


def create_patient(
    draw: np.random.Generator, *, part: Part = EVERYWHERE, scanner: Scanner = DEFAULT_SCANNER, offset_hu: float = 0.0
) -> Patient:
    """Draws a patient: size, organs, vessel trees, scanner.

    Args:
      draw: Everything random comes from here. What is drawn does not depend on `part`: generators in the same
        state give the same patient on other parts of the slice.
      part: Rows and columns of the slice that are wanted; a step of k gives every k-th.
      scanner: How the images are taken.
      offset_hu: Error of the scanner's calibration.

    Returns:
      The patient, ready for `render`.
    """
    wide = float(draw.uniform(142, 188))
    deep = wide * float(draw.uniform(0.68, 0.76))
    spacing = round(2 * wide * float(draw.uniform(1.06, 1.2)) * scanner.spacing / SIZE, 6)
    axis = (np.arange(SIZE, dtype=np.float32) - (SIZE - 1) / 2) * np.float32(spacing)
    x_axis, y_axis = axis + np.float32(draw.uniform(-4, 4)), axis + np.float32(draw.uniform(-8, 8))
    x, y = np.meshgrid(x_axis[part[1]], y_axis[part[0]])
    grid = Grid(x, y, spacing * (part[0].step or 1))

    def field(cells: int) -> np.ndarray:
        return smooth_field(draw, cells, part=part)

    bx = x + 5 * field(6) + 1.2 * field(22)
    by = y + 5 * field(6) + 1.2 * field(22)
    bent = _Bent(grid, bx, by, by=float(max(np.abs(bx - x).max(), np.abs(by - y).max())))
    u = draw.uniform

    body = torso(x, y + 4 * field(4), (0, 0), (wide, deep)) + field(7) * 2.5
    wall = torso(bx, by, (0, -0.01 * deep), (wide * u(0.86, 0.93), deep * u(0.84, 0.91)))
    cavity = torso(bx, by, (0, -0.09 * deep), (wide * u(0.79, 0.83), deep * u(0.72, 0.77)))
    layers: Layers = []
    table = np.abs(y - deep * 1.12 - 6 + (x / wide) ** 2 * 26) - 1.3
    everywhere: list[tuple[np.ndarray, float, float]] = [
        (np.maximum(table, np.abs(x) - wide * 1.25), 120.0, 0.0),
        *((body, 10.0, 0.0), (body + 2.2, FAT_HU, 0.0), (wall, MUSCLE_HU - 8, 0.0)),
    ]
    layers += [(EVERYWHERE, *layer) for layer in everywhere]
    for side in (-1, 1):
        box, muscle = bent.ellipse((side * 0.2 * wide, 0.72 * deep), (0.2 * wide, 0.13 * deep), side * -0.15)
        layers.append((box, np.maximum(muscle, body[box] + 5), MUSCLE_HU, 0.0))
    is_dome = bool(u() < 0.55)
    layers.append((EVERYWHERE, cavity - 3, MUSCLE_HU, 0.0))
    layers.append((EVERYWHERE, cavity, FAT_HU, 0.0))
    spine = (0.0, 0.42 * deep)
    middle = ellipse(bx, by, spine, (0.2 * wide, 0.3 * deep))
    if is_dome:
        # The lung reaches down behind the organs; fat and heart stay in front.
        lung = np.maximum(np.maximum(cavity, -middle), -(by + 0.32 * deep + 0.25 * np.abs(bx)))
        layers.append((EVERYWHERE, lung, LUNG_HU, 0.6))
        layers.append((EVERYWHERE, np.maximum(lung + 4, 0.42 - field(60)), LUNG_HU + 160, 0.6))
    layers.append((EVERYWHERE, middle, MUSCLE_HU - 25, 0.0))
    layers += _ribs(draw, _Bent(grid, x, y, by=0.0), wide, deep)
    layers += _spine(draw, bent, spine, body, field)
    layers += _left_organs(draw, bent, cavity, wide, deep, is_dome)
    vessel_hu = float(u(*VESSEL_HU))
    aorta = bent.ellipse((0.07 * wide, 0.42 * deep - 33), (u(10, 12), u(10, 12)))
    layers.append((*aorta, vessel_hu - 5, 0.0))

    right = ellipse(bx, by, (-0.40 * wide, -0.02 * deep), (0.43 * wide, u(0.58, 0.66) * deep), u(-0.1, 0.25))
    reach = (u(-0.05, 0.08) * wide, -0.36 * deep)
    left = ellipse(bx, by, reach, (u(0.38, 0.48) * wide, u(0.26, 0.32) * deep), u(-0.3, 0))
    liver = np.maximum(join(right, left, 24.0), cavity + float(u(1.0, 7.0)))
    cava = (-0.14 * wide, 0.42 * deep - 38)
    liver = np.maximum(liver, -(ellipse(bx, by, (0.02 * wide, 0.40 * deep), (0.15 * wide, 0.30 * deep))))
    over: Layers = [(*bent.ellipse(cava, (u(11, 15), u(9, 12))), vessel_hu - 12, 0.0)]
    if not is_dome:
        # Fissure and gallbladder of the hilar level.
        box, bladder = bent.ellipse((-0.18 * wide, -0.02 * deep), (u(9, 14), u(14, 22)), u(-0.5, 0.5), grow=1.2)
        over += [(box, bladder - 1.2, 70.0, 0.5), (box, bladder, 9.0, 0.5)]

    return Patient(
        grid=grid,
        thickness=float(draw.choice([1.25, 2.5, 3.0, 5.0], p=[0.1, 0.3, 0.2, 0.4])),
        liver_hu=float(u(*LIVER_HU)),
        vessel_hu=vessel_hu,
        noise_hu=float(u(*NOISE_HU)) * scanner.noise,
        noise_cutoff=float(u(*NOISE_CUTOFF)) * scanner.kernel,
        blur_mm=float(u(*BLUR_MM)) / scanner.kernel,
        offset_hu=offset_hu,
        cavity=cavity,
        liver=liver.astype(np.float32),
        layers=layers,
        over=over,
        vessels=grow_vessels(draw, cava, wide, deep),
        parenchyma=(PARENCHYMA_HU * (field(12) + field(40))).astype(np.float32),
    )


def _ribs(draw: np.random.Generator, at: _Bent, wide: float, deep: float) -> Layers:
    layers: Layers = []
    phase = draw.uniform(0, 0.3)
    for angle in np.arange(-2.6, 0.75, 0.42) + phase:
        for side in (-1, 1):
            a = angle + draw.uniform(-0.08, 0.08)
            center = (side * 0.855 * wide * np.cos(a), 0.82 * deep * np.sin(a) - 0.04 * deep)
            if abs(center[0]) < 0.3 * wide:
                continue
            turn = np.arctan2(0.82 * deep * np.cos(a), -side * 0.855 * wide * np.sin(a))
            box, bone = at.ellipse(center, (draw.uniform(9, 17), draw.uniform(3.6, 5)), turn)
            layers += [(box, bone, 420.0, 0.0), (box, bone + 1.6, 170.0, 0.0)]
    return layers


def _spine(
    draw: np.random.Generator,
    at: _Bent,
    spine: tuple[float, float],
    body: np.ndarray,
    field: Callable[[int], np.ndarray],
) -> Layers:
    a, b = draw.uniform(19, 23), draw.uniform(15, 18)
    inside, vertebra = at.ellipse(spine, (a, b))
    # Holds arch, spur and wings.
    behind, _ = at.ellipse((0, spine[1] + b + 19), (48, 48))
    x, y = at.x[behind], at.y[behind]
    arch = ellipse(x, y, (0, spine[1] + b + 12), (17, 13))
    spur = ellipse(x, y, (0, spine[1] + b + 24), (3.6, 14))
    wings = ellipse(x, y, (0, spine[1] + b + 11), (34, 4.5))
    back = np.maximum(np.minimum(np.minimum(arch, spur), wings), body[behind] + 12)
    canal = at.ellipse((0, spine[1] + b + 7), (10, 8.5))
    marrow = float(draw.uniform(150, 230))
    return [
        (behind, back, 430.0, 0.0),
        (behind, back + 2.2, 250.0, 0.0),
        (inside, vertebra, 400.0, 0.0),
        (inside, vertebra + 1.6, marrow, 0.0),
        (inside, np.maximum(vertebra + 2.5, 0.35 - field(90)[inside]), marrow + 110, 0.0),
        (*canal, 30.0, 0.0),
    ]


def _left_organs(
    draw: np.random.Generator, at: _Bent, cavity: np.ndarray, wide: float, deep: float, is_dome: bool
) -> Layers:
    u = draw.uniform
    axes = (u(0.17, 0.24) * wide, u(0.34, 0.44) * deep)
    beside, spleen = at.ellipse((0.56 * wide, 0.22 * deep), axes, u(-0.5, -0.2), grow=4)
    spleen = np.maximum(spleen, cavity[beside] + 2)
    axes = (u(0.2, 0.28) * wide, u(0.24, 0.36) * deep)
    front, stomach = at.ellipse((u(0.3, 0.42) * wide, u(-0.3, -0.1) * deep), axes, u(-0.4, 0.4), grow=6)
    stomach = np.maximum(stomach, cavity[front] + 3)
    layers: Layers = [
        (front, stomach - 6, FAT_HU + 8, 0.2),
        (beside, spleen - 4, FAT_HU + 4, 0.3),
        (beside, spleen, float(u(112, 132)), 0.3),
        (front, stomach, 85.0, 0.2),
    ]
    level = float(u(-0.35, -0.12)) * deep
    filling = float(draw.choice([15.0, 28.0, 260.0]))
    layers.append((front, stomach + 4, filling, 0.2))
    # Gas rises to the front of a patient on the back.
    layers.append((front, np.maximum(stomach + 4, at.y[front] - level), -960.0, 0.2))
    if not is_dome:
        for side in (-1, 1):
            box, kidney = at.ellipse((side * 0.38 * wide, 0.4 * deep), (u(24, 29), u(19, 23)), side * 0.7, grow=8)
            sinus = at.ellipse((side * 0.33 * wide, 0.38 * deep), (10, 6), side * 0.7)
            layers += [(box, kidney - 8, FAT_HU, 0.0), (box, kidney, float(u(170, 200)), 0.4), (*sinus, -40.0, 0.0)]
        for _ in range(4):
            box, loop = at.ellipse((u(0.0, 0.4) * wide, u(-0.5, 0.2) * deep), (u(11, 18), u(10, 15)), u(0, 3))
            loop = np.maximum(loop, cavity[box] + 3)
            layers += [(box, loop, 75.0, 0.3), (box, loop + 3, float(draw.choice([20.0, 35.0, 220.0, -900.0])), 0.3)]
    return layers
