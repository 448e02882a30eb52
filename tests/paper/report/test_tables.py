"""Markdown tables, cell by cell."""

import dataclasses

import pytest

from lesion_jax.metrics import classification
from lesion_jax.metrics.images import GENERATOR_METRICS
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.paper import reference
from lesion_jax.paper.arms import ARMS
from lesion_jax.paper.report import tables


def metrics(confusion):
    scores = (classification.accuracy, classification.sensitivity, classification.specificity)
    return {score.__name__: score(confusion) for score in scores}


CLASSIC = {
    "name": "classic",
    "title": "Classic",
    "metrics": metrics(reference.CONFUSIONS["classic"]),
    "accuracy": metrics(reference.CONFUSIONS["classic"])["accuracy"]["total"],
    "confusion": reference.CONFUSIONS["classic"],
    "per_seed_accuracy": [0.7857],
    "seeds": [0],
    "n": 182,
    "chosen": {"classic": [5000, 3000, 5000]},
    "difference": None,
}
DCGAN = {
    **CLASSIC,
    "name": "dcgan",
    "title": "A|B",
    "per_seed_accuracy": [0.8, 0.9],
    "seeds": [0, 1],
    "difference": {
        "value": 0.0714,
        "low": -0.01,
        "high": 0.15,
        "adjusted_p": 0.0001,
        "verdict": {"word": "cannot tell", "sentence": ""},
        "gained": 19,
        "lost": 6,
    },
    "chosen": {},
}


def cells(table, row):
    return [cell.strip() for cell in table.splitlines()[row].strip("|").split(" | ")]


def test_arms_table():
    table = tables.arms_table([CLASSIC, DCGAN])
    assert cells(table, 2) == ["Classic", "78.6 (72.1 to 83.9)", "-", "-", "-", "-", "78.6", "182"]
    assert cells(table, 3)[0] == "A\\|B"
    said = ["+7.1 (-1.0 to +15.0)", "< 0.001", "cannot tell", "19.0 / 6.0", "80.0 to 90.0 (2 seeds)"]
    assert cells(table, 3)[2:7] == said
    assert len({line.count(" | ") for line in table.splitlines()}) == 1


def test_class_chosen_and_curve_tables():
    table = tables.class_table([CLASSIC], reference.CLASS_NAMES)
    assert cells(table, 3) == ["Classic", "metastasis", "68.8 (56.6 to 78.8)", "83.9 (76.2 to 89.4)", "64"]
    assert cells(tables.chosen_table([CLASSIC, DCGAN]), 2) == ["Classic", "classic", "5000", "3000", "5000"]
    assert tables.chosen_table([DCGAN]) == ""
    curve = [{"size": 1000, "total": 7333.3, "accuracy": 0.8, "low": 0.7, "high": 0.9, "arm": "dcgan"}]
    row = ["Classic + DCGAN", "1,000", "7,333", "80.0 (70.0 to 90.0)"]
    assert cells(tables.curve_table(curve), 2) == row


def test_a_metric_that_nobody_has_heard_of_is_in_the_tables(monkeypatch):
    row = dataclasses.replace(PREDICTION_METRICS["accuracy"], name="new", title="New", unit="", better="lower")
    monkeypatch.setitem(PREDICTION_METRICS, "new", row)
    score = {"value": 0.25, "low": 0.2, "high": 0.3, "n": 182}
    arm = {**CLASSIC, "metrics": {**CLASSIC["metrics"], "new": {"total": score, "per_class": [score] * 3}}}
    table = tables.metrics_table([arm])
    assert cells(table, 0) == ["Metric", "Classic"]
    assert cells(table, 4) == ["Specificity, %", "88.4 (84.9 to 91.3)"]
    assert cells(table, 5) == ["New (lower is better)", "0.250 (0.200 to 0.300)"]
    assert "0.250 (0.200 to 0.300)" in cells(tables.class_table([arm], reference.CLASS_NAMES), 2)


def test_images_table_holds_every_metric_and_both_numbers_of_images(monkeypatch):
    row = dataclasses.replace(GENERATOR_METRICS["variety"], name="new", title="New metric", better="lower")
    monkeypatch.setitem(GENERATOR_METRICS, "new", row)
    scores = [
        {"num_real": 20, "num_synthetic": 256, "metrics": {"variety": {"value": 0.5}, "new": None}},
        {"num_real": 21, "num_synthetic": 256, "metrics": {"variety": {"value": 1.0}, "new": {"value": 2.0}}},
    ]
    table = tables.images_table([{"title": "DCGAN", "scores": scores}])
    assert cells(table, 0)[1:3] == ["Variety (higher is better)", "New metric (lower is better)"]
    assert cells(table, 2) == ["DCGAN", "0.750 (0.500 to 1.000)", "2.000", "256", "20 to 21"]
    undefined = [{**scores[0], "metrics": {"variety": None}}]
    assert cells(tables.images_table([{"title": "DCGAN", "scores": undefined}]), 2)[1] == "-"


def test_the_papers_table_holds_its_printed_numbers():
    numbers = reference.reference_numbers()
    table = tables.paper_table([CLASSIC, {**DCGAN, "name": "acgan"}, {**DCGAN, "name": "new"}], numbers)
    ours, theirs = (cells(table, 0).index(f"{title}, %") for title in ("Accuracy, ours", "Accuracy, paper's data"))
    assert cells(table, 2)[ours] == cells(table, 2)[theirs] == "78.6 (72.1 to 83.9)"
    assert cells(table, 3)[theirs].startswith("81.3 (")
    assert cells(table, 3)[cells(table, 0).index("Specificity, paper's data, %")] == "90.0"
    assert cells(table, 4)[theirs] == "-"


def test_the_reference_agrees_with_itself():
    """The confusion matrices, the totals and the curves were printed separately."""
    numbers = reference.reference_numbers()
    by_name = {arm["name"]: arm["metrics"] for arm in numbers["arms"]}
    for name in reference.CONFUSIONS:
        accuracy, specificity = reference.TOTALS[name]
        assert by_name[name]["accuracy"]["total"]["value"] == pytest.approx(accuracy, abs=6e-4)
        assert by_name[name]["specificity"]["total"]["value"] == pytest.approx(specificity, abs=6e-4)
        assert sum(map(sum, reference.CONFUSIONS[name])) == reference.NUM_LESIONS
    # Under another name a printed number would stand beside no arm.
    assert reference.TOTALS.keys() <= ARMS.keys()
    assert max(reference.CLASSIC_CURVE.values()) == reference.CLASSIC_CURVE[reference.CHOSEN_CLASSIC]
    assert reference.SYNTHETIC_CURVE[0] == reference.CLASSIC_CURVE[reference.CHOSEN_CLASSIC]
    assert reference.SYNTHETIC_CURVE[3000] == reference.TOTALS["dcgan"][0]
    assert [p["total"] for p in numbers["synthetic_curve"]] == [5000, 5300, 6500, 8000, 11000, 14000, 17000]
