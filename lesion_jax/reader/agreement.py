"""Agreement of readers beyond chance, for answers that have no order.

Intervals are percentile bootstraps over images. Kappa is undefined, None here, where all answers are one and the same.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from lesion_jax.metrics.classification import Proportion
from lesion_jax.metrics.statistics import wilson

_NUM_RESAMPLES = 2000
Weighted = Callable[[np.ndarray], np.ndarray]


def agreement(answers: np.ndarray, readers: Sequence[str], num_values: int) -> dict[str, Any] | None:
    """How far readers agree.

    Args:
      answers: int [R, N], in [0, num_values); images that all readers answered.
      readers: R names.
      num_values: How many answers there are to choose from.

    Returns:
      {"n": N; "same": proportion of images to which all gave one answer; "pairs": [{"readers": [2 names], "same":
      proportion, "kappa": Cohen's}]; "fleiss": Fleiss' of all, None for two readers}, where a kappa is {"value",
      "low", "high"} or None; None for one reader, or without an image.
    """
    if len(answers) < 2 or not answers.shape[1]:
        return None
    pairs = [
        {
            "readers": [readers[a], readers[b]],
            "same": _same(answers[[a, b]]),
            "kappa": _with_interval(_cohen(answers[a], answers[b], num_values), answers.shape[1]),
        }
        for a, b in combinations(range(len(answers)), 2)
    ]
    fleiss = _with_interval(_fleiss(answers, num_values), answers.shape[1]) if len(answers) > 2 else None
    return {"n": answers.shape[1], "same": _same(answers), "pairs": pairs, "fleiss": fleiss}


def _same(answers: np.ndarray) -> Proportion:
    same, n = int((answers == answers[0]).all(axis=0).sum()), answers.shape[1]
    low, high = wilson(same, n)
    return {"value": same / n, "low": low, "high": high, "n": n}


def _cohen(first: np.ndarray, second: np.ndarray, num_values: int) -> Weighted:
    """Cohen's kappa (Cohen 1960) as a function of weights of the images, float [B, N] -> float [B]."""

    def kappa(weights: np.ndarray) -> np.ndarray:
        seen = weights @ (first == second) / weights.sum(axis=1)
        shares = [weights @ np.eye(num_values)[one] / weights.sum(axis=1, keepdims=True) for one in (first, second)]
        return _beyond_chance(seen, (shares[0] * shares[1]).sum(axis=1))

    return kappa


def _fleiss(answers: np.ndarray, num_values: int) -> Weighted:
    """Fleiss' kappa (Fleiss 1971), likewise."""
    num_readers = len(answers)
    counts = np.eye(num_values)[answers].sum(axis=0)
    agreeing = (counts * (counts - 1)).sum(axis=1) / (num_readers * (num_readers - 1))

    def kappa(weights: np.ndarray) -> np.ndarray:
        total = weights.sum(axis=1)
        shares = weights @ counts / (total * num_readers)[:, None]
        return _beyond_chance(weights @ agreeing / total, (shares**2).sum(axis=1))

    return kappa


def _beyond_chance(seen: np.ndarray, chance: np.ndarray) -> np.ndarray:
    # Sums of shares of one answer may miss 1 by a rounding.
    is_defined = chance < 1 - 1e-12
    return np.where(is_defined, (seen - chance) / np.where(is_defined, 1 - chance, 1), np.nan)


def _with_interval(kappa: Weighted, num: int) -> dict[str, float] | None:
    value = float(kappa(np.ones((1, num)))[0])
    if np.isnan(value):
        return None
    draws = np.random.default_rng(0).multinomial(num, np.full(num, 1 / num), size=_NUM_RESAMPLES)
    resampled = kappa(draws.astype(np.float64))
    low, high = np.nanquantile(resampled, [0.025, 0.975])
    return {"value": value, "low": float(low), "high": float(high)}
