"""Scores against the paper's own matrices (section 6)."""

import numpy as np
import pytest

from lesion_jax.metrics.classification import accuracy, confusion_matrix, sensitivity, specificity

CLASSIC = [[52, 1, 0], [2, 44, 18], [0, 18, 47]]
DCGAN = [[53, 0, 0], [2, 52, 10], [1, 13, 51]]


def percent(proportions):
    return [100 * p["value"] for p in proportions]


@pytest.mark.parametrize(
    ("matrix", "total", "total_specificity", "sensitivities", "specificities", "interval"),
    [
        (CLASSIC, 78.6, 88.4, [98.1, 68.7, 72.3], [98.4, 83.9, 84.6], (72.1, 83.9)),
        (DCGAN, 85.7, 92.4, [100, 81.2, 78.5], [97.7, 89.0, 91.4], (79.9, 90.1)),
    ],
)
def test_the_papers_matrices_give_the_papers_scores(
    matrix, total, total_specificity, sensitivities, specificities, interval
):
    right, found, other = accuracy(matrix), sensitivity(matrix), specificity(matrix)
    assert percent([right["total"]]) == pytest.approx([total], abs=0.06)
    assert right["per_class"] is None and found["total"] == right["total"]
    assert percent([other["total"]]) == pytest.approx([total_specificity], abs=0.06)
    assert percent(found["per_class"]) == pytest.approx(sensitivities, abs=0.06)
    assert percent(other["per_class"]) == pytest.approx(specificities, abs=0.1)
    assert (100 * right["total"]["low"], 100 * right["total"]["high"]) == pytest.approx(interval, abs=0.05)
    assert [p["n"] for p in found["per_class"]] == [53, 64, 65]
    assert [p["n"] for p in other["per_class"]] == [129, 118, 117]


def test_rows_are_the_true_class():
    matrix = confusion_matrix(np.array([0, 0, 1, 2]), np.array([0, 2, 1, 2]), 3)
    assert matrix.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 1]]
    assert matrix.dtype == np.int64


@pytest.mark.parametrize("predictions", [[0, 3], [0, -1], [0]])
def test_impossible_predictions_are_refused(predictions):
    with pytest.raises(ValueError, match="predictions"):
        confusion_matrix(np.array([0, 1]), np.array(predictions), 3)


@pytest.mark.parametrize("score", [accuracy, sensitivity, specificity])
def test_an_empty_matrix_is_refused(score):
    with pytest.raises(ValueError, match="not empty"):
        score(np.zeros((3, 3)))


def test_interval_of_the_total_specificity_holds_its_value_and_has_the_right_width():
    result = specificity(CLASSIC)["total"]
    assert result["low"] < result["value"] < result["high"]
    # Parametric bootstrap of the matrix, rows resampled: an independent estimate of the width.
    generator = np.random.default_rng(0)
    rows = [generator.multinomial(sum(row), np.array(row) / sum(row), size=2000) for row in CLASSIC]
    resampled = [specificity(np.stack(m))["total"]["value"] for m in zip(*rows, strict=True)]
    low, high = np.quantile(resampled, [0.025, 0.975])
    assert (result["low"], result["high"]) == pytest.approx((low, high), abs=0.012)


def test_a_perfect_matrix_and_an_empty_class():
    perfect = specificity(np.diag([53, 64, 65]))["total"]
    assert (perfect["value"], perfect["high"]) == (1.0, 1.0)
    assert 0.98 < perfect["low"] < 1.0
    assert sensitivity([[0, 0], [1, 3]])["per_class"][0] == {"value": 0.0, "low": 0.0, "high": 1.0, "n": 0}
