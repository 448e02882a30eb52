"""Accuracy, sensitivity and specificity from a printed confusion matrix, as the paper's (section 6).

Predictions of our own are scored by `metrics.predictions`, which knows the patients; a printed matrix does not.

A score is {"total": proportion, "per_class": [proportion] or None}. A proportion is {"value", "low", "high" in [0, 1],
"n": number of lesions that it is out of}, with the 95 % Wilson interval. Totals are class-size-weighted means.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lesion_jax.metrics.intervals import wilson

Proportion = dict[str, float | int]
Confusion = np.ndarray | Sequence[Sequence[int]]


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


def accuracy(confusion: Confusion) -> dict[str, Any]:
    """Share of lesions that are given their own class.

    Args:
      confusion: int [C, C], rows true.

    Returns:
      A score without classes.

    Raises:
      ValueError: The matrix is not square, or empty.
    """
    counts = _checked(confusion)
    return {"total": _proportion(np.trace(counts), counts.sum()), "per_class": None}


def sensitivity(confusion: Confusion) -> dict[str, Any]:
    """Share of the lesions of a class that are given that class; the total equals the accuracy.

    Args:
      confusion: As for `accuracy`.

    Returns:
      A score; n of a class is its number of lesions.

    Raises:
      ValueError: As for `accuracy`.
    """
    counts = _checked(confusion)
    shares = [_proportion(*pair) for pair in zip(np.diag(counts), counts.sum(axis=1), strict=True)]
    return {"total": accuracy(counts)["total"], "per_class": shares}


def specificity(confusion: Confusion) -> dict[str, Any]:
    """Share of the lesions of other classes that are not given a class.

    The total is no proportion of anything: its interval is that of the error rate, times what one error costs on
    average, with the mix of errors held fixed.

    Args:
      confusion: As for `accuracy`.

    Returns:
      A score; n of a class is the number of lesions of the others.

    Raises:
      ValueError: As for `accuracy`.
    """
    counts = _checked(confusion)
    sizes, total = counts.sum(axis=1), int(counts.sum())
    false_alarms = counts.sum(axis=0) - np.diag(counts)
    shares = [_proportion(total - n - f, total - n) for n, f in zip(sizes, false_alarms, strict=True)]
    overall = _total_specificity(accuracy(counts)["total"], shares, sizes / total)
    return {"total": overall, "per_class": shares}


def _checked(confusion: Confusion) -> np.ndarray:
    counts = np.asarray(confusion, np.int64)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.sum() == 0:
        raise ValueError(f"A confusion matrix must be square and not empty, got {counts.tolist()}.")
    return counts


def _proportion(successes: int, total: int) -> Proportion:
    low, high = wilson(float(successes), int(total))
    # A class without lesions has no share: 0 of 0 is written as 0 with the interval (0, 1).
    return {"value": float(successes / total) if total else 0.0, "low": low, "high": high, "n": int(total)}


def _total_specificity(overall: Proportion, specificities: list[Proportion], weights: np.ndarray) -> Proportion:
    """Class-size-weighted mean of the specificities; `overall` is the accuracy."""
    value = float(sum(w * s["value"] for w, s in zip(weights, specificities, strict=True)))
    error = 1 - overall["value"]
    # Without a single error its cost is unknown: that of equal classes, where one error is one false alarm of C - 1.
    cost = (1 - value) / error if error > 0 else 1 / max(1, len(specificities) - 1)
    low, high = (max(0.0, 1 - cost * (1 - overall[side])) for side in ("low", "high"))
    return {"value": value, "low": low, "high": high, "n": overall["n"]}
