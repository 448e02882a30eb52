import numpy as np
import pytest

from lesion_jax.metrics.estimates import mean_of
from lesion_jax.metrics.predictions import PREDICTION_METRICS, PredictionMetric, score_predictions

LABELS = np.array([0, 1, 1, 2])
PATIENTS = list("abcd")


def one_hot(*rows):
    return np.eye(3)[np.array(rows)]


def test_several_seeds_by_hand():
    result = score_predictions(LABELS, one_hot([0, 1, 1, 2], [0, 1, 2, 0]), 3, PATIENTS)
    assert result["per_seed_accuracy"] == [1.0, 0.5]
    assert result["confusion"] == [[2, 0, 0], [0, 3, 1], [1, 0, 1]]
    metrics = result["metrics"]
    assert metrics["accuracy"]["total"]["value"] == 0.75 and metrics["accuracy"]["per_class"] is None
    assert [p["value"] for p in metrics["sensitivity"]["per_class"]] == [1.0, 0.75, 0.5]
    # False alarms over both seeds: 1 of 6, 0 of 4, 1 of 6.
    assert [p["value"] for p in metrics["specificity"]["per_class"]] == pytest.approx([5 / 6, 1.0, 5 / 6])
    assert metrics["specificity"]["total"]["value"] == pytest.approx((5 / 6 + 2 * 1.0 + 5 / 6) / 4)
    assert result["n"] == metrics["accuracy"]["total"]["n"] == 4


def test_each_row_carries_its_own_name_and_gives_an_interval_that_holds_its_value():
    result = score_predictions(LABELS, one_hot([0, 1, 2, 2]), 3, PATIENTS)
    assert list(result["metrics"]) == list(PREDICTION_METRICS)
    for name, metric in PREDICTION_METRICS.items():
        assert metric.name == name and metric.title
        score = result["metrics"][name]
        for number in [score["total"], *(score["per_class"] or [])]:
            assert number.keys() == {"value", "low", "high", "n"}
            assert number["low"] <= number["value"] <= number["high"]


def test_a_metric_added_to_the_table_is_computed_from_the_probabilities(monkeypatch):
    def sureness(labels, probabilities):
        return mean_of(probabilities[:, np.arange(len(labels)), labels])

    monkeypatch.setitem(PREDICTION_METRICS, "sureness", PredictionMetric("sureness", "Sureness", sureness, unit=""))
    probabilities = np.full((2, 4, 3), 0.25) + 0.25 * one_hot(LABELS, LABELS)
    assert score_predictions(LABELS, probabilities, 3, PATIENTS)["metrics"]["sureness"]["total"]["value"] == 0.5


def test_lesions_of_fewer_patients_have_wider_intervals():
    labels = np.tile([0, 1, 2], 20)
    # Every third lesion is given the next class, all lesions of a patient alike.
    rows = np.eye(3)[np.where(np.arange(60) // 3 % 3 == 0, (labels + 1) % 3, labels)][None] * 0.7 + 0.1
    own, shared = (
        score_predictions(labels, rows, 3, [str(i // size) for i in range(60)])["metrics"] for size in (1, 3)
    )
    for name in ("accuracy", "balanced_accuracy", "auroc", "brier", "log_loss"):
        narrow, wide = own[name]["total"], shared[name]["total"]
        assert wide["high"] - wide["low"] > 1.3 * (narrow["high"] - narrow["low"])


def test_patients_of_other_lesions_are_refused():
    with pytest.raises(ValueError, match="4 lesions were scored, but 3 patients"):
        score_predictions(LABELS, one_hot([0, 1, 2, 2]), 3, PATIENTS[:3])


@pytest.mark.parametrize("shape", [(4, 3), (0, 4, 3), (1, 3, 3), (1, 4, 2)])
def test_probabilities_that_do_not_fit_are_refused_naming_both_shapes(shape):
    with pytest.raises(ValueError, match=r"must be \[retrainings, 4, 3\].*got \[" + ", ".join(map(str, shape))):
        score_predictions(LABELS, np.zeros(shape), 3, PATIENTS)
