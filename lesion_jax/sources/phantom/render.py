"""One slice of a phantom patient: tissue first, then what the scanner does to it."""

import numpy as np
from scipy import fft, ndimage

from lesion_jax.sources.phantom.anatomy import Patient
from lesion_jax.sources.phantom.shapes import SIZE, Part, paint

AIR_HU = -1000.0
NOISE_EXPONENT = 1.5
# The noise is correlated over a few mm.
WRAP_PX = 16


def _vessel_share(patient: Patient, z: float) -> np.ndarray:
    grid = patient.grid
    share = np.zeros_like(grid.x)
    for i, (x0, y0, x1, y1, radius, strength) in enumerate(patient.vessels.tolist()):
        # Obliquity: every vessel moves its own way from slice to slice.
        move = 0.35 * z
        dx, dy = move * np.cos(1.7 * i), move * np.sin(1.7 * i)
        reach = radius + 2.5
        box = grid.box(
            (min(x0, x1) + dx - reach, max(x0, x1) + dx + reach),
            (min(y0, y1) + dy - reach, max(y0, y1) + dy + reach),
        )
        x, y = grid.x[box] - (x0 + dx), grid.y[box] - (y0 + dy)
        if not x.size:
            continue
        ex, ey = x1 - x0, y1 - y0
        along = np.clip((x * ex + y * ey) / (ex * ex + ey * ey + 1e-6), 0, 1)
        distance = np.hypot(x - along * ex, y - along * ey)
        # Tubes are thinner than the slice: the edge is a ramp as wide as the tube.
        ramp = np.clip((radius + 0.9 - distance) / (radius + 0.9) * 1.6, 0, 1)
        np.maximum(share[box], strength * ramp, out=share[box])
    return share


def render(patient: Patient, z: float, bulges: list[tuple[Part, np.ndarray]], draw: np.random.Generator) -> np.ndarray:
    """Tissue of one slice before the scanner, without lesions.

    Args:
      patient: From `create_patient`.
      z: Height above the first slice, mm.
      bulges: Signed distances of lesions on parts of the grid, which push the liver's edge outward.
      draw: Generator of what differs from slice to slice.

    Returns:
      float32 in the shape of the patient's grid, HU.
    """
    spacing = patient.grid.spacing
    image = np.full_like(patient.grid.x, AIR_HU)
    soft = 1.2 * spacing
    for box, distance, hu, drift in patient.layers:
        paint(image[box], distance + np.float32(drift * z) if drift and z else distance, hu, soft)
    liver = patient.liver + np.float32(0.25 * z)
    for box, bulge in bulges:
        np.minimum(liver[box], bulge, out=liver[box])
    unevenness = patient.parenchyma + np.float32(draw.normal(0, 0.5))
    enhancement = np.float32(patient.vessel_hu - patient.liver_hu)
    parenchyma = patient.liver_hu + unevenness + _vessel_share(patient, z) * enhancement
    paint(image, liver, parenchyma, soft + 0.15 * patient.thickness)
    for box, distance, hu, drift in patient.over:
        paint(image[box], distance + np.float32(drift * z), hu, soft)
    return image


def scan(image: np.ndarray, patient: Patient, draw: np.random.Generator) -> np.ndarray:
    """The scanner: in-plane blur, then correlated noise.

    Args:
      image: float32 in the shape of the patient's grid, HU.
      patient: Its scanner settings.
      draw: Generator of the noise.

    Returns:
      int16 in the shape of `image`, HU, not below -1024.
    """
    blurred = ndimage.gaussian_filter(image, patient.blur_mm / patient.grid.spacing, truncate=3.0)
    rows, columns = image.shape
    noise = _noise(patient, (_noise_side(rows), _noise_side(columns)), draw)
    strength = np.float32(patient.noise_hu / noise.std())
    # More photons reach the detector beside the middle of the body.
    radius = np.hypot(patient.grid.x, patient.grid.y) / (SIZE * patient.grid.spacing / 2)
    noise = noise[:rows, :columns] * ((1.12 - 0.3 * radius) * strength)
    return np.rint(np.clip(blurred + noise + patient.offset_hu, -1024, 3071)).astype(np.int16)


def _noise_side(pixels: int) -> int:
    # The noise of a whole slice is periodic; of a part, what would wrap around is cut off.
    return min(SIZE, int(fft.next_fast_len(pixels + WRAP_PX, real=True) or SIZE))


def _noise(patient: Patient, shape: tuple[int, int], draw: np.random.Generator) -> np.ndarray:
    frequency_y = fft.fftfreq(shape[0], patient.grid.spacing)[:, None]
    frequency_x = fft.rfftfreq(shape[1], patient.grid.spacing)[None, :] * draw.uniform(0.85, 1.15)
    frequency = np.hypot(frequency_x, frequency_y)
    # Filtered back-projection takes power from the lowest frequencies; without that the noise looks like clouds.
    power = (0.35 + frequency / 0.06).clip(0, 1) * np.exp(-((frequency / patient.noise_cutoff) ** NOISE_EXPONENT))
    amplitude = np.sqrt(power).astype(np.float32)
    white = np.asarray(fft.rfft2(draw.standard_normal(shape, dtype=np.float32)))
    return np.asarray(fft.irfft2(white * amplitude, s=shape))
