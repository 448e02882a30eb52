"""Confusion matrices and the scores that the paper prints from them.

Several seeds: confusion matrices are summed over seeds, proportions are thereby means over seeds, and
every interval uses the number of *lesions*: a second seed of the same lesions adds no patients.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lesion_jax.metrics.statistics import wilson


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts by true and predicted class.

    Args:
      labels: int [N], in [0, num_classes).
      predictions: int [N], in [0, num_classes).
      num_classes: C.

    Returns:
      int64 [C, C]; rows are the true class, columns the predicted one.

    Raises:
      ValueError: Lengths differ, or a class is out of range.
    """
    labels, predictions = np.asarray(labels, np.int64), np.asarray(predictions, np.int64)
    if labels.shape != predictions.shape or labels.ndim != 1:
        raise ValueError(f"labels {labels.shape} and predictions {predictions.shape} must be vectors of one length.")
    for name, values in (("labels", labels), ("predictions", predictions)):
        if values.size and (values.min() < 0 or values.max() >= num_classes):
            raise ValueError(f"{name} hold {values.min()} to {values.max()}, but there are {num_classes} classes.")
    counts = np.bincount(labels * num_classes + predictions, minlength=num_classes**2)
    return counts.reshape(num_classes, num_classes)


def scores(confusion: np.ndarray | Sequence[Sequence[int]], num_seeds: int = 1) -> dict[str, Any]:
    """Accuracy, sensitivity and specificity with 95 % Wilson intervals.

    The totals are class-size-weighted means, as the paper prints them (section 6); total sensitivity
    thereby equals accuracy. Total specificity is no proportion of anything: its interval is that of
    the error rate, times what one error costs on average, with the mix of errors held fixed.

    Args:
      confusion: int [C, C], rows true, summed over seeds.
      num_seeds: How many seeds were summed.

    Returns:
      {accuracy: proportion, sensitivity: {total: proportion, per_class: [proportion]}, specificity:
      likewise}; a proportion is {value, low, high in [0, 1], n: number of lesions it is out of}.

    Raises:
      ValueError: The matrix is not square, or empty, or no sum of num_seeds equal sets of lesions.
    """
    counts = np.asarray(confusion, np.int64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.sum() == 0:
        raise ValueError(f"A confusion matrix must be square and not empty, got {counts.tolist()}.")
    if (counts.sum(axis=1) % num_seeds).any():
        raise ValueError(f"Rows of {counts.tolist()} are no sums over {num_seeds} seeds of the same lesions.")
    sizes, total = counts.sum(axis=1), int(counts.sum())
    hits, false_alarms = np.diag(counts), counts.sum(axis=0) - np.diag(counts)
    accuracy = _proportion(hits.sum(), total, num_seeds)
    specificities = [_proportion(total - n - f, total - n, num_seeds) for n, f in zip(sizes, false_alarms, strict=True)]
    return {
        "accuracy": accuracy,
        "sensitivity": {
            "total": dict(accuracy),
            "per_class": [_proportion(h, n, num_seeds) for h, n in zip(hits, sizes, strict=True)],
        },
        "specificity": {
            "total": _total_specificity(accuracy, specificities, sizes / total),
            "per_class": specificities,
        },
    }


def score_predictions(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> dict[str, Any]:
    """Scores of one arm over its seeds, pooled over the test folds.

    Args:
      labels: int [N].
      predictions: int [S, N], one row per seed, every lesion scored by the model that did not train on it.
      num_classes: C.

    Returns:
      What `scores` returns, and {confusion: nested list [C, C] summed over seeds, per_seed_accuracy:
      [S] floats, n: N}.
    """
    predictions = np.atleast_2d(predictions)
    summed = sum(confusion_matrix(labels, row, num_classes) for row in predictions)
    return {
        "confusion": np.asarray(summed).tolist(),
        **scores(np.asarray(summed), num_seeds=len(predictions)),
        "per_seed_accuracy": [float(np.mean(row == labels)) for row in predictions],
        "n": len(labels),
    }


def _proportion(successes: int, total: int, num_seeds: int) -> dict[str, float | int]:
    """A share of lesions, mean over seeds; counts are summed over seeds."""
    n = int(total) // num_seeds
    low, high = wilson(float(successes) / num_seeds, n)
    # A class without lesions has no share: 0 of 0 is written as 0 with the interval (0, 1).
    return {"value": float(successes / total) if total else 0.0, "low": low, "high": high, "n": n}


def _total_specificity(accuracy: dict, specificities: list[dict], weights: np.ndarray) -> dict[str, float | int]:
    """The class-size-weighted mean of the specificities, see `scores`."""
    value = float(sum(w * s["value"] for w, s in zip(weights, specificities, strict=True)))
    error = 1 - accuracy["value"]
    # Without a single error its cost is unknown: that of equal classes, where one error is one false alarm of C - 1.
    cost = (1 - value) / error if error > 0 else 1 / max(1, len(specificities) - 1)
    low, high = (max(0.0, 1 - cost * (1 - accuracy[side])) for side in ("low", "high"))
    return {"value": value, "low": low, "high": high, "n": accuracy["n"]}
