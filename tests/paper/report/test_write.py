"""The report from made-up predictions: every sentence follows from the numbers."""

import json

import numpy as np
import pytest

from lesion_jax.inference.predict import Predictions, pooled
from lesion_jax.metrics.intervals import wilson
from lesion_jax.metrics.predictions import score_predictions
from lesion_jax.paper.arms import ARMS
from lesion_jax.paper.report.write import write_report
from lesion_jax.paper.results import MARGIN, differences_of, runs_of
from lesion_jax.paper.selection import Outcome

LABELS = np.repeat([0, 1, 2], 20)
PATIENTS = [f"p{i // 2}" for i in range(60)]
NAMES = ["cyst", "metastasis", "hemangioma"]


def predictions(wrong, num_seeds=1):
    """Every `wrong`-th lesion is taken for the next class."""
    return np.stack([np.where(np.arange(60) % wrong == seed, (LABELS + 1) % 3, LABELS) for seed in range(num_seeds)])


def scored(rows):
    found = score_predictions(LABELS, np.eye(3)[rows], 3, PATIENTS)
    return {**found, "accuracy": found["metrics"]["accuracy"]["total"]}


def outcomes(rows):
    """[seed][fold], two folds."""
    return [[Outcome(None, part(row, half)) for half in (slice(0, 30), slice(30, 60))] for row in rows]


def part(row, half):
    ids = tuple(str(i) for i in range(60))
    return Predictions(ids[half], tuple(PATIENTS[half]), LABELS[half], np.eye(3)[row[half]], np.zeros((30, 1)), (1,))


def differences(found, num_seeds):
    every = {name: outcomes(rows) for name, rows in found.items()}
    runs = {name: runs_of(one, range(num_seeds)) for name, one in every.items()}
    return differences_of(
        runs, {name: [pooled([o.test for o in folds]) for folds in one] for name, one in every.items()}
    )


def curve_point(size, share, arm="classic"):
    low, high = wilson(60 * share, 60)
    return {
        "arm": arm,
        "size": size,
        "total": size,
        "accuracy": share,
        "low": low,
        "high": high,
        "n": 60,
        "split": "test",
    }


def images_of(fold):
    metrics = {"kernel_distance": {"value": 0.25, "std": 0.1}, "variety": None}
    return {"seed": 0, "fold": fold, "num_real": 20, "num_synthetic": 256, "metrics": metrics}


def make_results(selection="inner", num_seeds=1, unit="HU", **wrong):
    wrong = {"classic": 3, "dcgan": 3, **wrong}
    found = {name: predictions(step, num_seeds) for name, step in wrong.items()}
    compared = differences(found, num_seeds)
    arms = [
        {
            "name": name,
            "title": ARMS[name].title,
            "generator": ARMS[name].generator and ARMS[name].generator.upper(),
            **scored(rows),
            "seeds": list(range(num_seeds)),
            "folds": [0, 1, 2],
            "chosen": {"classic": [100, 50, 100]},
            "difference": compared.get(name),
        }
        for name, rows in found.items()
    ]
    return {
        "dataset": {
            "name": "made up",
            "fingerprint": "ab" * 32,
            "class_names": NAMES,
            "num_lesions": 60,
            "num_patients": 30,
            "unit": unit,
        },
        "protocol": {
            "selection": selection,
            "seeds": list(range(num_seeds)),
            "num_folds": 3,
            "fold_fingerprint": "cd" * 32,
            "margin": MARGIN,
            "departures": [{"setting": "dcgan.width", "value": 4, "default": 128}],
            "notes": ["A note of the run."],
        },
        "arms": arms,
        "classic_curve": [curve_point(0, 0.5), curve_point(100, 0.66)],
        "synthetic_curve": [curve_point(160, 0.7, arm="dcgan")],
        "images": [{"title": "DCGAN", "scores": [images_of(fold) for fold in range(3)]}],
        "banks": [{"title": "DCGAN", "seed": 0, "fold": 1, "broken": [], "sentence": "Nothing is broken in the bank."}],
        "broken": [],
    }


def test_report_and_results(tmp_path):
    results = make_results(num_seeds=2, dcgan=6, none=4)
    pixels = np.random.default_rng(0).integers(-100, 200, (5, 16, 16)).astype(np.int16)
    report = write_report(
        results,
        tmp_path / "report",
        samples=[("Real", dict.fromkeys(NAMES, pixels)), ("DCGAN", {"cyst": pixels})],
        features=[("Classic", np.random.default_rng(1).standard_normal((20, 6)), LABELS[::3])],
        window=(-160.0, 240.0),
        feature_note="Fold 0, seed 0",
    )
    text = report.read_text()
    written = json.loads((tmp_path / "report" / "results.json").read_text())
    assert written["answer"] in text
    assert written["arms"] == json.loads(json.dumps(results["arms"]))
    assert written["paper"]["classic_curve"][5] == {"arm": "classic", "size": 5000, "total": 5000, "accuracy": 0.786}
    assert written["figures"] == ["accuracy.png", "arms.png", "confusion.png", "samples.png", "tsne.png"]
    for name in written["figures"]:
        assert f"]({name})" in text
        assert (tmp_path / "report" / name).stat().st_size > 5000
    assert {path.name for path in report.parent.iterdir()} == {"report.md", "results.json", *written["figures"]}
    for phrase in (
        "No choice looked at a test fold",
        "Values are means over seeds, and seeds add no patients",
        "lies within 5 points of 0, which was fixed beforehand",
        "| Brier score (lower is better) | ",
        "another, private data set",
        "60 lesions of 30 patients",
        written["other_arms"] + " " + written["scale"],
        "| DCGAN | 0.250 (0.250 to 0.250) | - | 256 | 20 |",
        "Black is -160, white 240 (Hounsfield units).",
        "2 seeds (0, 1)",
        "- A note of the run.",
        "Fold 0, seed 0. t-SNE",
    ):
        assert phrase in text
    assert "paper" not in results
    assert "- DCGAN, seed 0, fold 1: Nothing is broken in the bank." in text


def test_report_without_pictures_says_how_the_paper_chose_and_that_one_seed_is_one(tmp_path):
    text = write_report(make_results(selection="test"), tmp_path, window=(-160.0, 240.0)).read_text()
    assert "**chosen on the test folds, as the paper did: optimistic**" in text
    assert "One seed: how much a retraining alone changes is known from the spread of the folds only" in text
    assert "samples.png" not in text
    assert "tsne.png" not in text


def test_pictures_of_grey_values_are_not_said_to_be_of_hounsfield_units(tmp_path):
    pixels = np.zeros((5, 16, 16), np.int16)
    pixels[1] = 255
    samples = [("Real", dict.fromkeys(NAMES, pixels))]
    text = write_report(make_results(unit="grey"), tmp_path, samples=samples, window=(0.0, 255.0)).read_text()
    assert "Black is 0, white 255 (grey values)." in text
    assert "HU" not in text and "Hounsfield" not in text


def test_a_value_that_is_not_finite_is_never_written(tmp_path):
    results = make_results()
    results["protocol"]["distance"] = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        write_report(results, tmp_path, window=(-160.0, 240.0))
    assert not (tmp_path / "results.json").exists()
