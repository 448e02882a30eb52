"""One slice of a phantom patient: tissue first, then what the scanner does to it."""

import numpy as np
from scipy import fft, ndimage

from lesion_jax.sources.phantom.anatomy import Patient
from lesion_jax.sources.phantom.shapes import SIZE, paint

AIR_HU = -1000.0
NOISE_EXPONENT = 1.5


def grid_box(patient: Patient, x: tuple[float, float], y: tuple[float, float]) -> tuple[slice, slice]:
    """The part of the pixel grid that covers a rectangle.

    Args:
      patient: Its grid.
      x: Lowest and highest x, mm; may lie outside the grid.
      y: Likewise.

    Returns:
      Slices of rows and of columns; empty where the rectangle misses the grid.
    """
    x0, y0 = float(patient.x[0, 0]), float(patient.y[0, 0])

    def span(low: float, high: float, origin: float) -> slice:
        return slice(max(0, int((low - origin) / patient.spacing)), max(0, int((high - origin) / patient.spacing) + 2))

    return span(*y, y0), span(*x, x0)


def _vessel_share(patient: Patient, z: float) -> np.ndarray:
    share = np.zeros_like(patient.x)
    for i, (x0, y0, x1, y1, radius, strength) in enumerate(patient.vessels.tolist()):
        # Obliquity: every vessel moves its own way from slice to slice.
        move = 0.35 * z
        dx, dy = move * np.cos(1.7 * i), move * np.sin(1.7 * i)
        reach = radius + 2.5
        box = grid_box(
            patient,
            (min(x0, x1) + dx - reach, max(x0, x1) + dx + reach),
            (min(y0, y1) + dy - reach, max(y0, y1) + dy + reach),
        )
        x, y = patient.x[box] - (x0 + dx), patient.y[box] - (y0 + dy)
        if not x.size:
            continue
        ex, ey = x1 - x0, y1 - y0
        along = np.clip((x * ex + y * ey) / (ex * ex + ey * ey + 1e-6), 0, 1)
        distance = np.hypot(x - along * ex, y - along * ey)
        # Tubes are thinner than the slice: the edge is a ramp as wide as the tube.
        ramp = np.clip((radius + 0.9 - distance) / (radius + 0.9) * 1.6, 0, 1)
        np.maximum(share[box], strength * ramp, out=share[box])
    return share


def render(patient: Patient, z: float, bulges: list[np.ndarray], draw: np.random.Generator) -> np.ndarray:
    """Tissue of one slice before the scanner, without lesions.

    Args:
      patient: From `create_patient`.
      z: Height above the first slice, mm.
      bulges: Signed distances of lesions, which push the liver's edge outward.
      draw: Generator of what differs from slice to slice.

    Returns:
      float32 [512, 512], HU.
    """
    image = np.full((SIZE, SIZE), AIR_HU, np.float32)
    soft = 1.2 * patient.spacing
    for distance, hu, drift in patient.layers:
        paint(image, distance + np.float32(drift * z) if drift and z else distance, hu, soft)
    liver = patient.liver + np.float32(0.25 * z)
    for bulge in bulges:
        liver = np.minimum(liver, bulge)
    unevenness = patient.parenchyma + np.float32(draw.normal(0, 0.5))
    enhancement = np.float32(patient.vessel_hu - patient.liver_hu)
    parenchyma = patient.liver_hu + unevenness + _vessel_share(patient, z) * enhancement
    paint(image, liver, parenchyma, soft + 0.15 * patient.thickness)
    for distance, hu, drift in patient.over:
        paint(image, distance + np.float32(drift * z), hu, soft)
    return image


def scan(image: np.ndarray, patient: Patient, draw: np.random.Generator) -> np.ndarray:
    """The scanner: in-plane blur, then correlated noise.

    Args:
      image: float32 [512, 512], HU.
      patient: Its scanner settings.
      draw: Generator of the noise.

    Returns:
      int16 [512, 512], HU, not below -1024.
    """
    blurred = ndimage.gaussian_filter(image, patient.blur_mm / patient.spacing, truncate=3.0)
    frequency_y = fft.fftfreq(SIZE, patient.spacing)[:, None]
    frequency_x = fft.rfftfreq(SIZE, patient.spacing)[None, :] * draw.uniform(0.85, 1.15)
    frequency = np.hypot(frequency_x, frequency_y)
    # Filtered back-projection takes power from the lowest frequencies; without that the noise looks like clouds.
    power = (0.35 + frequency / 0.06).clip(0, 1) * np.exp(-((frequency / patient.noise_cutoff) ** NOISE_EXPONENT))
    amplitude = np.sqrt(power).astype(np.float32)
    white = np.asarray(fft.rfft2(draw.standard_normal((SIZE, SIZE), dtype=np.float32)))
    noise = np.asarray(fft.irfft2(white * amplitude, s=(SIZE, SIZE)))
    # More photons reach the detector beside the middle of the body.
    radius = np.hypot(patient.x, patient.y) / (SIZE * patient.spacing / 2)
    noise *= (1.12 - 0.3 * radius) * np.float32(patient.noise_hu / noise.std())
    return np.rint(np.clip(blurred + noise, -1024, 3071)).astype(np.int16)
