"""Intervals and paired tests for a few hundred lesions of fewer patients.

Lesions are the unit of every proportion and patients the unit of every comparison: the lesions of
one patient are not independent. Several seeds are averaged per lesion; they add no patients and so
never narrow an interval below what the lesions allow.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats


def wilson(successes: float, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson score interval of a proportion (Wilson 1927).

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
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    share = successes / n
    center = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, center - half), min(1.0, center + half)


def mcnemar_exact(correct_a: np.ndarray, correct_b: np.ndarray) -> tuple[int, int, float]:
    """Exact McNemar test of two classifiers on the same lesions; it takes lesions as independent.

    Args:
      correct_a: bool [N].
      correct_b: bool [N], the same lesions in the same order.

    Returns:
      (lesions that only a gets right, lesions that only b gets right, two-sided p).
    """
    only_a = int(np.sum(correct_a & ~correct_b))
    only_b = int(np.sum(correct_b & ~correct_a))
    if only_a + only_b == 0:
        return 0, 0, 1.0
    return only_a, only_b, float(stats.binomtest(only_a, only_a + only_b, 0.5).pvalue)


def paired_difference(
    correct_a: np.ndarray,
    correct_b: np.ndarray,
    patients: Sequence[str],
    *,
    seed: int = 0,
    num_resamples: int = 10_000,
    confidence: float = 0.95,
) -> tuple[float, float, float]:
    """Accuracy of a minus accuracy of b, with a percentile bootstrap over patients.

    Patients are drawn with replacement, with all their lesions and for both classifiers at once.

    Args:
      correct_a: bool or float [N], or [S, N] with one row per seed, which are averaged first.
      correct_b: Likewise; its number of seeds may differ.
      patients: Length N, who each lesion belongs to.
      seed: Seed of the resampling.
      num_resamples: Bootstrap samples.
      confidence: Two-sided.

    Returns:
      (difference, low, high) in [-1, 1].
    """
    gain, size = _gain_per_patient(correct_a, correct_b, patients)
    generator = np.random.default_rng(seed)
    draws = generator.multinomial(len(gain), np.full(len(gain), 1 / len(gain)), size=num_resamples)
    resampled = draws @ gain / (draws @ size)
    low, high = np.quantile(resampled, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(gain.sum() / size.sum()), float(low), float(high)


def paired_p(
    correct_a: np.ndarray,
    correct_b: np.ndarray,
    patients: Sequence[str],
    *,
    seed: int = 0,
    num_resamples: int = 10_000,
) -> float:
    """Two-sided p of "a and b are exchangeable within a patient", by random sign flips of patients.

    With one lesion per patient and one seed it estimates the exact McNemar p.

    Args:
      correct_a: As in `paired_difference`.
      correct_b: As in `paired_difference`.
      patients: Length N.
      seed: Seed of the flips.
      num_resamples: Random flips; the smallest possible p is 1 / (num_resamples + 1).

    Returns:
      p in (0, 1].
    """
    gain, _ = _gain_per_patient(correct_a, correct_b, patients)
    # Shifted off the bootstrap's stream, so that the two are not the same draws.
    generator = np.random.default_rng([seed, 1])
    flipped = (2.0 * generator.integers(0, 2, size=(num_resamples, len(gain))) - 1.0) @ gain
    # Sums of the same numbers in another order differ in the last bits: a tie must stay a tie.
    at_least = np.abs(flipped) >= abs(gain.sum()) - 1e-9
    return float((at_least.sum() + 1) / (num_resamples + 1))


def compare(
    correct: np.ndarray, baseline: np.ndarray, patients: Sequence[str], *, seed: int = 0, num_resamples: int = 10_000
) -> dict:
    """Everything that a report says about one arm against another on the same lesions.

    Args:
      correct: bool [S, N], one row per seed.
      baseline: bool [S', N], the arm that it is compared with.
      patients: Length N.
      seed: Seed of the resampling.
      num_resamples: Bootstrap samples, and sign flips.

    Returns:
      {value, low, high: accuracy difference and its 95 % interval over patients; p: over patients;
      gained, lost: lesions that only the arm, only the baseline gets right, mean over pairs of
      seeds; mcnemar_p: one exact p per pair of seeds; n, num_patients, num_resamples}.
    """
    value, low, high = paired_difference(correct, baseline, patients, seed=seed, num_resamples=num_resamples)
    pairs = [mcnemar_exact(a.astype(bool), b.astype(bool)) for a, b in zip(correct, baseline, strict=False)]
    return {
        "value": value,
        "low": low,
        "high": high,
        "p": paired_p(correct, baseline, patients, seed=seed, num_resamples=num_resamples),
        "gained": float(np.mean([pair[0] for pair in pairs])),
        "lost": float(np.mean([pair[1] for pair in pairs])),
        "mcnemar_p": [pair[2] for pair in pairs],
        "n": len(patients),
        "num_patients": len(set(patients)),
        "num_resamples": num_resamples,
    }


def _gain_per_patient(
    correct_a: np.ndarray, correct_b: np.ndarray, patients: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Per patient: sum of (a right - b right) over the lesions, and the number of lesions; both float64 [P]."""
    difference = _mean_over_seeds(correct_a) - _mean_over_seeds(correct_b)
    if len(difference) != len(patients):
        raise ValueError(f"{len(difference)} lesions were scored, but {len(patients)} patients are named.")
    _, index = np.unique(np.asarray(patients), return_inverse=True)
    return np.bincount(index, weights=difference), np.bincount(index).astype(np.float64)


def _mean_over_seeds(correct: np.ndarray) -> np.ndarray:
    """[N] or [S, N] -> float64 [N]."""
    return np.atleast_2d(np.asarray(correct, dtype=np.float64)).mean(axis=0)
