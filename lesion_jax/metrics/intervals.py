"""Intervals of one metric of one arm."""

import math
from collections.abc import Sequence

import numpy as np

from lesion_jax.metrics.estimates import Estimate


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion of independent lesions (Wilson 1927).

    Args:
      successes: Between 0 and n; a fraction where it is a mean over seeds.
      n: Number of lesions, not of lesions times seeds.
      confidence: Two-sided, in (0, 1).

    Returns:
      (low, high) in [0, 1]; (0, 1) where n is 0.

    Raises:
      ValueError: successes is not between 0 and n.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes is {successes}, which is not between 0 and n = {n}.")
    if n == 0:
        return 0.0, 1.0
    # Late, as below: a training reaches its first step without scipy, which takes half a second to import.
    from scipy import special

    return _score_interval(successes / n, n, float(special.ndtri(0.5 + confidence / 2)))


def over_patients(
    estimate: Estimate,
    patients: Sequence[str],
    largest: float | None,
    confidence: float = 0.95,
    *,
    is_share: bool = True,
) -> tuple[float, float]:
    """Interval of a metric for other patients of the same kind, with the networks as they are.

    Lesions of a patient count as one cluster. A metric with a greatest value has Wilson's interval at the effective
    number of lesions v (1 - v) / variance, with Student's quantile (for clustered samples: Korn and Graubard 1998,
    Franco et al. 2019); one without has Student's interval of its logarithm. Where all lesions agree and no variance
    can be seen, the effective number is that of the patients. Sizes of errors, whose variance may be far above
    v (1 - v) where v is small, have Student's interval.

    Args:
      estimate: The metric in each retraining; the interval is of their mean.
      patients: Length N.
      largest: Greatest value of the metric, whose least is 0; None where there is none.
      confidence: Two-sided, in (0, 1).
      is_share: Whether lesions count as right or wrong, in place of by how much.

    Returns:
      (low, high); where nothing is known (0, largest).
    """
    from scipy import special

    _, patient = np.unique(np.asarray(patients), return_inverse=True)
    num_patients = len(np.unique(patient[estimate.used]))
    value = float(estimate.value.mean())
    if num_patients < 2:
        return 0.0, max(value, 1.0) if largest is None else largest
    pulls = np.bincount(patient, weights=estimate.influence.mean(0))
    variance = float(np.square(pulls).sum()) * num_patients / (num_patients - 1)
    quantile = float(special.stdtrit(num_patients - 1, 0.5 + confidence / 2))
    if largest is None:
        ratio = math.exp(quantile * math.sqrt(variance) / value) if value > 0 else 1.0
        return value / ratio, value * ratio
    if not is_share and variance > 0:
        half = quantile * math.sqrt(variance)
        return max(0.0, value - half), min(largest, value + half)
    share = min(max(value / largest, 0.0), 1.0)
    spread = share * (1 - share) * largest**2
    effective = spread / variance if variance > 1e-12 * spread and spread > 0 else float(num_patients)
    low, high = _score_interval(share, effective, quantile)
    return largest * low, largest * high


def _score_interval(share: float, n: float, quantile: float) -> tuple[float, float]:
    square = quantile * quantile
    center = (share + square / (2 * n)) / (1 + square / n)
    half = quantile / (1 + square / n) * math.sqrt(share * (1 - share) / n + square / (4 * n * n))
    # The value lies in its interval; rounding must not put it outside.
    return max(0.0, min(share, center - half)), min(1.0, max(share, center + half))
