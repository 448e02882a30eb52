"""The report from made-up predictions: every sentence follows from the numbers."""

import json

import numpy as np
import pytest

from lesion_jax.metrics.predictions import score_predictions
from lesion_jax.metrics.statistics import compare, wilson
from lesion_jax.paper.report.figures import ARM_TITLES
from lesion_jax.paper.report.write import answer, write_report

LABELS = np.repeat([0, 1, 2], 20)
PATIENTS = [f"p{i // 2}" for i in range(60)]
NAMES = ["cyst", "metastasis", "hemangioma"]


def predictions(wrong, num_seeds=1):
    """Every `wrong`-th lesion is taken for the next class."""
    return np.stack([np.where(np.arange(60) % wrong == seed, (LABELS + 1) % 3, LABELS) for seed in range(num_seeds)])


def curve_point(size, accuracy, **more):
    low, high = wilson(60 * accuracy, 60)
    return {
        "size": size,
        "total": size,
        "accuracy": accuracy,
        "low": low,
        "high": high,
        "n": 60,
        "split": "test",
        **more,
    }


def scored(rows):
    found = score_predictions(LABELS, np.eye(3)[rows], 3)
    return {**found, **found["metrics"], "accuracy": found["metrics"]["accuracy"]["total"]}


def make_results(selection="inner", num_seeds=1, **wrong):
    wrong = {"classic": 3, "dcgan": 3, **wrong}
    found = {name: predictions(step, num_seeds) for name, step in wrong.items()}
    arms = [
        {
            "name": name,
            "title": ARM_TITLES[name],
            **scored(rows),
            "seeds": list(range(num_seeds)),
            "folds": [0, 1, 2],
            "chosen": {"classic": [100, 50, 100]},
            "difference": None
            if name == "classic"
            else compare(rows == LABELS, found["classic"] == LABELS, PATIENTS, num_resamples=500),
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
        },
        "protocol": {
            "selection": selection,
            "seeds": list(range(num_seeds)),
            "num_folds": 3,
            "fold_fingerprint": "cd" * 32,
            "notes": ["A note of the run."],
        },
        "arms": arms,
        "classic_curve": [curve_point(0, 0.5), curve_point(100, 0.66)],
        "synthetic_curve": [curve_point(160, 0.7, arm="dcgan")],
    }


def test_the_answer_follows_from_the_interval():
    assert "brought no gain (+0.0 points" in answer(make_results(dcgan=3))
    assert "DCGAN images raised accuracy (+" in answer(make_results(dcgan=60))
    assert "DCGAN images lowered accuracy (-" in answer(make_results(dcgan=2, classic=30))
    noisy = answer(make_results(dcgan=6, classic=5))
    assert "the change with DCGAN images is within noise (+3.3 points" in noisy
    assert "no gain is shown" in noisy
    two = answer(make_results(dcgan=60, acgan=2))
    assert two.index("DCGAN images raised") < two.index("; ACGAN images lowered")
    assert two.startswith("On 60 lesions of 30 patients")


def test_the_answer_without_synthetic_arms_and_with_the_papers_way_of_choosing():
    results = make_results(selection="test")
    assert "optimistically so, chosen on the test folds" in answer(results)
    del results["arms"][1]
    assert "it cannot say" in answer(results)


def test_report_and_results(tmp_path):
    results = make_results(num_seeds=2, dcgan=6)
    hu = np.random.default_rng(0).integers(-100, 200, (5, 16, 16)).astype(np.int16)
    report = write_report(
        results,
        tmp_path / "report",
        samples=[("Real", dict.fromkeys(NAMES, hu)), ("DCGAN", {"cyst": hu})],
        features=[("Classic", np.random.default_rng(1).standard_normal((20, 6)), LABELS[::3])],
        window=(-160.0, 240.0),
        feature_note="Fold 0, seed 0",
    )
    text = report.read_text()
    written = json.loads((tmp_path / "report" / "results.json").read_text())
    assert written["answer"] in text
    assert written["arms"] == results["arms"]
    assert written["paper"]["classic_curve"][5] == {"size": 5000, "total": 5000, "accuracy": 0.786}
    assert written["figures"] == ["accuracy.png", "arms.png", "confusion.png", "samples.png", "tsne.png"]
    for name in written["figures"]:
        assert f"]({name})" in text
        assert (tmp_path / "report" / name).stat().st_size > 5000
    assert {path.name for path in report.parent.iterdir()} == {"report.md", "results.json", *written["figures"]}
    for phrase in (
        "No choice looked at a test fold",
        "means over seeds; n and the intervals count lesions and patients",
        "another, private data set",
        "60 lesions of 30 patients",
        "2 seeds (0, 1)",
        "- A note of the run.",
        "Fold 0, seed 0. t-SNE",
    ):
        assert phrase in text
    assert "paper" not in results


def test_report_without_pictures_says_how_the_paper_chose_and_that_one_seed_is_one(tmp_path):
    text = write_report(make_results(selection="test"), tmp_path, window=(-160.0, 240.0)).read_text()
    assert "**chosen on the test folds, as the paper did: optimistic**" in text
    assert "One seed: how much a retraining alone would change is not known" in text
    assert "samples.png" not in text
    assert "tsne.png" not in text


def test_a_value_that_is_not_finite_is_never_written(tmp_path):
    results = make_results()
    results["protocol"]["distance"] = float("nan")
    with pytest.raises(ValueError, match="JSON"):
        write_report(results, tmp_path, window=(-160.0, 240.0))
    assert not (tmp_path / "results.json").exists()
