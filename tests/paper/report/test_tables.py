"""Markdown tables, cell by cell."""

import pytest

from lesion_jax.metrics.classification import accuracy, sensitivity, specificity
from lesion_jax.paper import reference
from lesion_jax.paper.report import tables

CLASSIC = {
    "name": "classic",
    "title": "Classic",
    "accuracy": accuracy(reference.CONFUSIONS["classic"])["total"],
    "sensitivity": sensitivity(reference.CONFUSIONS["classic"]),
    "specificity": specificity(reference.CONFUSIONS["classic"]),
    "per_seed_accuracy": [0.7857],
    "n": 182,
    "chosen": {"classic": [5000, 3000, 5000]},
    "difference": None,
}
DCGAN = {
    **CLASSIC,
    "name": "dcgan",
    "title": "A|B",
    "per_seed_accuracy": [0.8, 0.9],
    "difference": {"value": 0.0714, "low": -0.01, "high": 0.15, "p": 0.0001, "gained": 19, "lost": 6},
    "chosen": {},
}


def cells(table, row):
    return [cell.strip() for cell in table.splitlines()[row].strip("|").split(" | ")]


def test_arms_table():
    table = tables.arms_table([CLASSIC, DCGAN])
    assert cells(table, 2) == [
        "Classic",
        "78.6 (72.1 to 83.9)",
        "88.4 (84.9 to 91.3)",
        "-",
        "-",
        "-",
        "78.6",
        "182",
    ]
    assert cells(table, 3)[0] == "A\\|B"
    assert cells(table, 3)[3:7] == ["+7.1 (-1.0 to +15.0)", "< 0.001", "19.0 / 6.0", "80.0 to 90.0 (2 seeds)"]
    assert len({line.count(" | ") for line in table.splitlines()}) == 1


def test_class_chosen_and_curve_tables():
    table = tables.class_table([CLASSIC], reference.CLASS_NAMES)
    assert cells(table, 3) == ["Classic", "metastasis", "68.8 (56.6 to 78.8)", "83.9 (76.2 to 89.4)", "64"]
    assert cells(tables.chosen_table([CLASSIC, DCGAN]), 2) == ["Classic", "classic", "5000", "3000", "5000"]
    assert tables.chosen_table([DCGAN]) == ""
    curve = [{"size": 1000, "total": 7333.3, "accuracy": 0.8, "low": 0.7, "high": 0.9, "arm": "dcgan"}]
    assert cells(tables.curve_table(curve, {"dcgan": "D"}), 2) == ["D", "1,000", "7,333", "80.0 (70.0 to 90.0)"]


def test_the_papers_table_holds_its_printed_numbers():
    numbers = reference.reference_numbers()
    table = tables.paper_table([CLASSIC, {**DCGAN, "name": "acgan"}, {**DCGAN, "name": "new"}], numbers)
    assert cells(table, 2)[2] == "78.6 (72.1 to 83.9)"
    assert cells(table, 3)[2].startswith("81.3 (")
    assert cells(table, 3)[4] == "90.0"
    assert cells(table, 4)[2] == "-"


def test_the_reference_agrees_with_itself():
    """The confusion matrices, the totals and the curves were printed separately."""
    numbers = reference.reference_numbers()
    by_name = {arm["name"]: arm for arm in numbers["arms"]}
    for name in reference.CONFUSIONS:
        accuracy, specificity = reference.TOTALS[name]
        assert by_name[name]["accuracy"]["value"] == pytest.approx(accuracy, abs=6e-4)
        assert by_name[name]["specificity"]["value"] == pytest.approx(specificity, abs=6e-4)
        assert sum(map(sum, reference.CONFUSIONS[name])) == reference.NUM_LESIONS
    assert max(reference.CLASSIC_CURVE.values()) == reference.CLASSIC_CURVE[reference.CHOSEN_CLASSIC]
    assert reference.SYNTHETIC_CURVE[0] == reference.CLASSIC_CURVE[reference.CHOSEN_CLASSIC]
    assert reference.SYNTHETIC_CURVE[3000] == reference.TOTALS["dcgan"][0]
    assert [p["total"] for p in numbers["synthetic_curve"]] == [5000, 5300, 6500, 8000, 11000, 14000, 17000]
