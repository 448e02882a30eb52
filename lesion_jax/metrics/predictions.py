"""Table of the metrics of predictions, and what computes them all.

A new metric is a function of its own file and a row here; `evaluate`, comparisons of arms and the reports list whatever
the table holds. The mean of a score of each lesion is one line: `lambda labels, p: mean_of(score(labels, p))`.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from lesion_jax.metrics import estimates
from lesion_jax.metrics.classification import confusion_matrix
from lesion_jax.metrics.estimates import Estimate
from lesion_jax.metrics.intervals import over_patients

Number = dict[str, float | int]


@dataclasses.dataclass(frozen=True)
class PredictionMetric:
    """One metric of class probabilities against the truth.

    Attributes:
      name: Key in the table and in results.
      title: In tables and figures.
      total: f(labels int [N], probabilities float [U, N, C]) -> `Estimate`, over all classes.
      of_class: The same with the class as third argument; None where classes have no value of their own.
      better: Which end is good.
      unit: "%" for shares in [0, 1], which are printed times 100; "" for other numbers.
      largest: Greatest value that there is, the least being 0; None where there is none.
      varies_as_accuracy: Whether the variances that were measured of accuracy on the phantom hold for it too, so that
        the differences that a study could show are known beforehand.
    """

    name: str
    title: str
    total: Callable[[np.ndarray, np.ndarray], Estimate]
    of_class: Callable[[np.ndarray, np.ndarray, int], Estimate] | None = None
    better: Literal["higher", "lower"] = "higher"
    unit: Literal["%", ""] = "%"
    largest: float | None = 1.0
    varies_as_accuracy: bool = False


PREDICTION_METRICS = {
    metric.name: metric
    for metric in (
        PredictionMetric("accuracy", "Accuracy", estimates.accuracy, varies_as_accuracy=True),
        PredictionMetric(
            "balanced_accuracy", "Balanced accuracy", estimates.balanced_accuracy, varies_as_accuracy=True
        ),
        # Weighted by class size, as the paper prints it, the total is the accuracy.
        PredictionMetric("sensitivity", "Sensitivity", estimates.accuracy, estimates.sensitivity_of),
        PredictionMetric("specificity", "Specificity", estimates.specificity, estimates.specificity_of),
        PredictionMetric("auroc", "Macro AUROC", estimates.macro_auroc, estimates.auroc_of, unit=""),
        PredictionMetric("log_loss", "Log-loss", estimates.log_loss, better="lower", unit="", largest=None),
        PredictionMetric("brier", "Brier score", estimates.brier, better="lower", unit="", largest=2.0),
        PredictionMetric("calibration_error", "Calibration error", estimates.calibration_error, better="lower"),
    )
}
# What decides between equals, as classifiers often are by a share of a few dozen lesions.
DECIDES_TIES = "log_loss"


def score_predictions(
    labels: np.ndarray, probabilities: np.ndarray, num_classes: int, patients: Sequence[str]
) -> dict[str, Any]:
    """Every metric of the table for one classifier over its retrainings.

    Args:
      labels: int [N], in [0, num_classes).
      probabilities: float [U, N, C], one [N, C] per retraining; every lesion scored by a model that did not see it.
      num_classes: C.
      patients: Length N, who each lesion belongs to.

    Returns:
      {"confusion": nested list [C, C], rows true, summed over retrainings; "per_seed_accuracy": [U] floats in [0, 1];
      "n": N; "metrics": {name: score}}. A score is {"total": number, "per_class": [number of each class] or None}, and
      a number {"value", "low", "high", "n"}: mean over retrainings, its 95 % interval over patients, see
      `intervals.over_patients`, and the number of lesions that it is out of; 0 where there is no lesion to tell.

    Raises:
      ValueError: Shapes do not fit together, or there is no lesion.
    """
    labels, probabilities = np.asarray(labels, np.int64), np.asarray(probabilities)
    if probabilities.ndim != 3 or not probabilities.size or probabilities.shape[1:] != (len(labels), num_classes):
        raise ValueError(
            f"probabilities must be [retrainings, {len(labels)}, {num_classes}], a row for each label and a column for "
            f"each class, got {list(probabilities.shape)}."
        )
    if len(patients) != len(labels):
        raise ValueError(f"{len(labels)} lesions were scored, but {len(patients)} patients are named.")
    confusions = [confusion_matrix(labels, rows.argmax(-1), num_classes) for rows in probabilities]
    return {
        "confusion": np.sum(confusions, axis=0).tolist(),
        "per_seed_accuracy": [float(np.mean(rows.argmax(-1) == labels)) for rows in probabilities],
        "n": len(labels),
        "metrics": {
            name: {
                "total": _number(metric.total(labels, probabilities), patients, metric),
                "per_class": None
                if metric.of_class is None
                else [
                    _number(metric.of_class(labels, probabilities, label), patients, metric)
                    for label in range(num_classes)
                ],
            }
            for name, metric in PREDICTION_METRICS.items()
        },
    }


def _number(estimate: Estimate, patients: Sequence[str], metric: PredictionMetric) -> Number:
    # Of sizes of errors, and of them alone, less is better.
    low, high = over_patients(estimate, patients, metric.largest, is_share=metric.better == "higher")
    return {"value": float(estimate.value.mean()), "low": low, "high": high, "n": int(estimate.used.sum())}
