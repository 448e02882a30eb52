"""Table of the metrics of predictions, and what computes them all.

A new metric is a function of its own file and a row here; `evaluate`, the paper's results and its report list
whatever the table holds.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from lesion_jax.metrics.classification import Confusion, accuracy, confusion_matrix, sensitivity, specificity


@dataclasses.dataclass(frozen=True)
class PredictionMetric:
    """One metric of class probabilities against the truth.

    Attributes:
      name: Key in the table and in results.
      title: In tables and figures.
      compute: f(labels int [N], probabilities float [S, N, C], one [N, C] per seed, num_classes) -> score: {"total":
        number, "per_class": [number of each class] or None}, where a number is {"value", "low", "high", "n"}: an
        estimate, its 95 % interval and the number of lesions. It is a mean over seeds; seeds add no lesions.
      unit: "%" for shares in [0, 1], which are printed times 100; "" for other numbers.
    """

    name: str
    title: str
    compute: Callable[[np.ndarray, np.ndarray, int], dict[str, Any]]
    unit: Literal["%", ""] = "%"


def of_confusion(score: Callable[[Confusion, int], dict[str, Any]]) -> Callable[[np.ndarray, np.ndarray, int], Any]:
    """Makes a `compute` of a function of (confusion matrix summed over seeds, number of seeds)."""

    def compute(labels: np.ndarray, probabilities: np.ndarray, num_classes: int) -> dict[str, Any]:
        return score(_summed_confusion(labels, probabilities, num_classes), len(probabilities))

    return compute


PREDICTION_METRICS = {
    metric.name: metric
    for metric in (
        PredictionMetric("accuracy", "Accuracy", of_confusion(accuracy)),
        PredictionMetric("sensitivity", "Sensitivity", of_confusion(sensitivity)),
        PredictionMetric("specificity", "Specificity", of_confusion(specificity)),
    )
}


def score_predictions(labels: np.ndarray, probabilities: np.ndarray, num_classes: int) -> dict[str, Any]:
    """Every metric of the table for one classifier over its seeds.

    Args:
      labels: int [N], in [0, num_classes).
      probabilities: float [S, N, C], one [N, C] per seed; every lesion scored by a model that did not train on it.
      num_classes: C.

    Returns:
      {"confusion": nested list [C, C], rows true, summed over seeds; "per_seed_accuracy": [S] floats in [0, 1];
      "n": N; "metrics": {name: score}}, for scores see `PredictionMetric`.

    Raises:
      ValueError: Shapes do not fit together, or there is no lesion.
    """
    labels, probabilities = np.asarray(labels), np.asarray(probabilities)
    if probabilities.ndim != 3 or not len(probabilities) or probabilities.shape[1:] != (len(labels), num_classes):
        raise ValueError(
            f"probabilities must be [seeds, {len(labels)}, {num_classes}], a row for each label and a column for each "
            f"class, got {list(probabilities.shape)}."
        )
    return {
        "confusion": _summed_confusion(labels, probabilities, num_classes).tolist(),
        "per_seed_accuracy": [float(np.mean(row.argmax(-1) == labels)) for row in probabilities],
        "n": len(labels),
        "metrics": {
            name: metric.compute(labels, probabilities, num_classes) for name, metric in PREDICTION_METRICS.items()
        },
    }


def _summed_confusion(labels: np.ndarray, probabilities: np.ndarray, num_classes: int) -> np.ndarray:
    """int64 [C, C] of the most probable classes, summed over seeds."""
    return np.sum([confusion_matrix(labels, row.argmax(-1), num_classes) for row in probabilities], axis=0)
