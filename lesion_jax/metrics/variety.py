"""How much synthetic images differ among themselves, compared with real ones."""

from typing import Any

import numpy as np

from lesion_jax.metrics.sample import Sample


def variety(images: np.ndarray, real: np.ndarray, window: tuple[float, float]) -> float:
    """How much images differ among themselves, as a share of how much real ones do.

    Args:
      images: int16 [N, H, H] of one class, in the dataset's unit; N at least 2.
      real: int16 [M, H, H] of that class; M at least 2.
      window: Range (low, high) in the dataset's unit; what lies outside is clipped.

    Returns:
      Deviation of a pixel over the images (root of the variance, averaged over pixels), divided by that of the real
      images: 1 is as varied as real, 0 is one and the same image. Variances are unbiased, so that neither number of
      images matters but for the noise.
    """

    def spread(stack: np.ndarray) -> float:
        return float(np.sqrt(np.clip(stack, *window).astype(np.float64).var(axis=0, ddof=1).mean()))

    return spread(images) / max(spread(real), 1e-6)


def score_variety(fake: Sample, real: Sample) -> dict[str, Any] | None:
    """Variety within each class; for arguments see `images.GeneratorMetric`.

    Returns:
      {"value": mean over classes, "per_class": {label: variety}} of the classes that have two images on each side;
      None where no class has.
    """
    shares = {
        label: variety(fake.pixels[fake.labels == label], real.pixels[real.labels == label], real.window)
        for label in np.unique(real.labels).tolist()
        if (fake.labels == label).sum() > 1 and (real.labels == label).sum() > 1
    }
    return {"value": float(np.mean([*shares.values()])), "per_class": shares} if shares else None
