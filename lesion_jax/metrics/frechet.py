"""Frechet distance of radiomic features (Konz et al. 2024, arXiv 2412.01496), scaled by the real images.

The paper takes 464 features of pyradiomics and the logarithm of the distance; here there are the few dozen of
`radiomics.py`, and no logarithm, so that 0 is no difference. Like every Frechet distance it grows as images become
fewer: two samples of one Gaussian are not at 0. It means something beside a floor at the same numbers only.
"""

from typing import Any

import numpy as np

from lesion_jax.metrics.sample import Sample, standardised


def frechet_distance(x: np.ndarray, y: np.ndarray) -> float:
    """Distance of two Gaussians: |m - m'|^2 + tr(S + S' - 2 (S S')^(1/2)), square root, with their sample moments.

    Args:
      x: float [N, F], N at least 2.
      y: float [M, F], M at least 2.

    Returns:
      At least 0.
    """
    # The singular values of A B' are the roots of the eigenvalues of S S', where S = A' A and S' = B' B: fewer images
    # than features leave S without full rank, and a matrix root of it without digits.
    a, b = ((z - z.mean(0)) / np.sqrt(len(z) - 1) for z in (x, y))
    root_trace = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    squared = ((x.mean(0) - y.mean(0)) ** 2).sum() + (a**2).sum() + (b**2).sum() - 2 * root_trace
    return float(np.sqrt(max(squared, 0.0)))


def score_frechet(fake: Sample, real: Sample) -> dict[str, Any] | None:
    """Radiomic Frechet distance; for arguments see `images.GeneratorMetric`.

    Returns:
      {"value": distance in deviations of the real images}; None for fewer than 3 images on a side.
    """
    if min(len(fake), len(real)) < 3:
        return None
    y, x = standardised(real.radiomics, fake.radiomics)
    return {"value": frechet_distance(x, y)}
