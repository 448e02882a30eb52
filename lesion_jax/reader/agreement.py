"""Agreement of readers beyond chance, for answers that have no order.

Intervals are percentile bootstraps over images. Kappa is undefined, None here, where all answers are one and the same.
"""

from collections.abc import Callable, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from lesion_jax.metrics.classification import Proportion
from lesion_jax.metrics.intervals import wilson

_NUM_RESAMPLES = 2000
Kappa = Callable[[np.ndarray, np.ndarray, int], np.ndarray]


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
            "kappa": _with_interval(_cohen, answers[[a, b]], num_values),
        }
        for a, b in combinations(range(len(answers)), 2)
    ]
    fleiss = _with_interval(_fleiss, answers, num_values) if len(answers) > 2 else None
    return {"n": answers.shape[1], "same": _same(answers), "pairs": pairs, "fleiss": fleiss}


def _same(answers: np.ndarray) -> Proportion:
    same, n = int((answers == answers[0]).all(axis=0).sum()), answers.shape[1]
    low, high = wilson(same, n)
    return {"value": same / n, "low": low, "high": high, "n": n}


def _cohen(answers: np.ndarray, weights: np.ndarray, num_values: int) -> np.ndarray:
    """Cohen's kappa of two readers (Cohen 1960).

    Args:
      answers: int [2, P].
      weights: float [B, P], how often each column of answers counts; B kappas are computed at once.
      num_values: K.

    Returns:
      float64 [B]; NaN where it is undefined.
    """
    total = weights.sum(axis=1)
    shares = [weights @ np.eye(num_values)[one] / total[:, None] for one in answers]
    return _beyond_chance(weights @ (answers[0] == answers[1]) / total, (shares[0] * shares[1]).sum(axis=1))


def _fleiss(answers: np.ndarray, weights: np.ndarray, num_values: int) -> np.ndarray:
    """Fleiss' kappa of R readers (Fleiss 1971); answers are int [R, P], see `_cohen`."""
    num_readers, total = len(answers), weights.sum(axis=1)
    counts = np.eye(num_values)[answers].sum(axis=0)
    same = (counts * (counts - 1)).sum(axis=1) / (num_readers * (num_readers - 1))
    shares = weights @ counts / (num_readers * total[:, None])
    return _beyond_chance(weights @ same / total, (shares**2).sum(axis=1))


def _beyond_chance(seen: np.ndarray, chance: np.ndarray) -> np.ndarray:
    # Sums of shares of one answer may miss 1 by a rounding.
    is_defined = chance < 1 - 1e-12
    return np.where(is_defined, (seen - chance) / np.where(is_defined, 1 - chance, 1), np.nan)


def _with_interval(kappa: Kappa, answers: np.ndarray, num_values: int) -> dict[str, float] | None:
    # Images that were answered alike are drawn together, which is the same and much faster.
    patterns, times = np.unique(answers, axis=1, return_counts=True)
    value = float(kappa(patterns, times[None].astype(np.float64), num_values)[0])
    if np.isnan(value):
        return None
    num = answers.shape[1]
    draws = np.random.default_rng(0).multinomial(num, times / num, size=_NUM_RESAMPLES)
    low, high = np.nanquantile(kappa(patterns, draws.astype(np.float64), num_values), [0.025, 0.975])
    return {"value": value, "low": float(low), "high": float(high)}
