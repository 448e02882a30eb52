"""From what networks say to verdicts and the report."""

import dataclasses
import json

import numpy as np
import pytest

from lesion_jax.families import MoreClassicConfig, OracleConfig
from lesion_jax.metrics.runs import Runs
from lesion_jax.sources.phantom.options import Phantom
from lesion_jax.study.comparisons import over_what_needs_none, with_baseline
from lesion_jax.study.predictions import Predictions, collect_predictions
from lesion_jax.study.report.scenario import how_tested
from lesion_jax.study.report.write import write_report
from lesion_jax.study.results import results_of
from tests.study.made_up import ALL, FAR, FEW, asker, layout, models, sites

# The ACGAN's images help, no augmentation harms.
SHARES = {"classic": 0.6, "none": 0.3, "acgan": 0.95}


BANK = {
    "scenario": "far",
    "setting": "s",
    "model": "acgan",
    "title": "ACGAN",
    "num_images": 30,
    "sentence": "The bank is broken.",
    "num_judged": 9,
    "num_real": 18,
    "closest": "audits/none.png",
    "metrics": {"precision": {"value": 0.123, "floor": 0.8, "n": 9}},
}


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    found = layout(
        tmp_path_factory.mktemp("study"),
        sites(),
        scenarios={"far": FAR},
        seeds=tuple(range(6)),
    )
    said = collect_predictions(found, ask=asker(SHARES.get))
    return found, said.runs, results_of(found, said, [], {"environment": {"versions": {"jax": "1.2.3"}}})


def test_predictions_are_kept_of_every_retraining_and_lesion(studied):
    found, runs, _ = studied
    kept = Runs.load(found.workdir / "predictions/far/acgan.npz")
    np.testing.assert_array_equal(kept.probabilities, runs["far"]["acgan"].probabilities)
    assert kept.probabilities.shape == (6, 18, 3) and kept.folds is None and kept.seed.tolist() == list(range(6))


def test_folds_and_partitions_of_cross_validation_are_kept(tmp_path):
    found = layout(tmp_path, scenarios={"all": ALL, "few": FEW}, partitions=2, cohorts=2, arms=("none", "classic"))
    some = collect_predictions(found, ask=asker(SHARES.get)).runs["few"]["none"]
    assert some.probabilities.shape == (4, 60, 3) and some.units == [(0, 0, 0), (0, 1, 0), (1, 0, 0), (1, 1, 0)]
    for number, name in enumerate(("", "repeat:1")):
        fold_of = found.cohort.partition(name).fold_of
        assert [fold_of[patient] for patient in some.patients] == some.folds[number].tolist()


def test_what_helps_is_a_gain_and_what_harms_a_loss(studied):
    _, _, results = studied
    (scenario,) = results["scenarios"]
    assert {one["arm"]: one["word"] for one in scenario["comparisons"]} == {"none": "loss", "acgan": "gain"}
    accuracies = {arm["name"]: arm["metrics"]["accuracy"]["total"]["value"] for arm in scenario["arms"]}
    assert accuracies == pytest.approx(SHARES, abs=0.1)
    assert scenario["num_test_lesions"] == 18 and scenario["num_train_lesions"] == 42


def test_generators_are_compared_with_the_best_arm_that_needs_none_and_with_the_ceiling(tmp_path):
    shares = {"none": 0.3, "classic": 0.5, "mixup": 0.6, "more_classic": 0.65, "acgan": 0.85, "oracle": 0.95}
    data = models()["classifier"].data
    more = {family().kind: family(num_devices=1, data=data) for family in (MoreClassicConfig, OracleConfig)}
    content = sites()
    phantom = dataclasses.replace(content.lesions, phantom=Phantom().record(seed=1))
    found = layout(
        tmp_path / "w",
        dataclasses.replace(content, lesions=phantom),
        scenarios={"far": FAR},
        seeds=tuple(range(8)),
        arms=tuple(shares),
        models=models() | more,
    )
    said = collect_predictions(found, ask=asker(shares.get))
    results = results_of(found, said, [], {})
    (scenario,) = results["scenarios"]
    rows = {row["arm"]: row for row in scenario["over_best"]}
    assert set(rows) == {"acgan", "oracle"} and {row["best"] for row in rows.values()} == {"Classic + more classic"}
    assert {row["word"] for row in rows.values()} == {"gain"}
    kept = {one["arm"]: one["share"] for one in scenario["comparisons"]}
    assert kept["oracle"] is None and 0.4 < kept["acgan"]["value"] < 0.9 and kept["none"]["high"] < 0
    write_report(results, said.runs, tmp_path / "report")
    text = (tmp_path / "report/report.md").read_text()
    first = "Against Classic, accuracy: a gain with Classic + fresh lesions (+4"
    second = (
        "Against the best of the arms that need no generator, which came out to be Classic + more classic, accuracy: "
    )
    assert text.index(first) < text.index("No augmentation (-") < text.index(second)
    assert "same lesions; those with a generator also against the best that needs none." in text
    assert "Share of Classic + fresh lesions, %" in text and "| Classic + ACGAN | Classic + more classic |" in text
    # A generator that failed has neither.
    failed = [{**BANK, "fold": fold, "broken": ["wrong labels"]} for fold in (0, 1)]
    (scenario,) = results_of(found, said, failed, {})["scenarios"]
    assert {row["arm"]: row["word"] for row in scenario["over_best"]} == {"acgan": "cannot tell", "oracle": "gain"}
    assert {one["arm"]: one["share"] for one in scenario["comparisons"]}["acgan"] is None
    # Nor has any arm a share of a ceiling that failed.
    failed = [{**row, "model": "oracle", "title": "Oracle"} for row in failed]
    (scenario,) = results_of(found, said, failed, {})["scenarios"]
    assert not any(one["share"] for one in scenario["comparisons"])
    # A placebo that failed is no baseline, and against a baseline that failed nothing can be told.
    runs = said.runs["far"]
    rows = over_what_needs_none(found.config, runs, {"more_classic"})
    assert {row["arm"] for row in rows} == {"acgan", "oracle"} and {row["best"] for row in rows} == {"Classic + mixup"}
    rows = with_baseline(dataclasses.replace(found.config, baseline="acgan"), runs, {"acgan"})
    assert {row["word"] for row in rows} == {"cannot tell"} and not any(row["share"] for row in rows)
    # A ceiling that may not gain at all has nothing to share.
    rows = {row["arm"]: row for row in with_baseline(found.config, runs | {"oracle": runs["mixup"]}, set())}
    assert rows["oracle"]["word"] == "cannot tell" and not any(row["share"] for row in rows.values())


def test_where_a_generator_is_the_baseline_the_others_are_compared_with_the_one_arm_that_needs_none(tmp_path):
    shares = {"classic": 0.5, "acgan": 0.6, "acgan_first": 0.95}
    found = layout(tmp_path, sites(), scenarios={"far": FAR}, seeds=(0, 1, 2, 3), arms=tuple(shares), baseline="acgan")
    said = collect_predictions(found, ask=asker(shares.get))
    (scenario,) = results_of(found, said, [], {})["scenarios"]
    assert [(row["arm"], row["best"]) for row in scenario["over_best"]] == [
        ("acgan", "Classic"),
        ("acgan_first", "Classic"),
    ]
    # Against the baseline alone it would be the same comparison again.
    found = dataclasses.replace(found, config=dataclasses.replace(found.config, baseline="classic"))
    assert results_of(found, said, [], {})["scenarios"][0]["over_best"] == []


def test_one_retraining_of_an_independent_test_set_cannot_tell(tmp_path):
    found = layout(tmp_path, sites(), scenarios={"far": FAR})
    results = results_of(found, collect_predictions(found, ask=asker(SHARES.get)), [], {})
    assert {one["word"] for one in results["scenarios"][0]["comparisons"]} == {"cannot tell"}


def test_the_report_needs_no_other_file_and_says_the_verdict_first(studied, tmp_path):
    found, runs, results = studied
    page = write_report(results, runs, tmp_path).read_text()
    written = json.loads((tmp_path / "results.json").read_text())
    assert page.count("<img") == page.count('src="data:image/png;base64,') == len(written["figures"]) == 3
    assert "http" not in page.split("</head>")[1].replace("http-equiv", "")
    text = (tmp_path / "report.md").read_text()
    assert text.index("Classic + ACGAN raised accuracy") < text.index("differences.png") < text.index("By class")
    assert "5 points" in text and "jax 1.2.3" in text and "| Classic + ACGAN | cyst |" in text
    assert "| lesions; intervals are over patients. far: 18 lesions of 9 patients |" in text
    assert "| External testing | far: tested on site=far, trained on others. Whether" in text
    # Figures have their numbers.
    assert "| Arm | True class | Said cyst |" in text and "Mean probability said" in text


def test_several_sizes_are_a_learning_curve(tmp_path):
    found = layout(tmp_path / "w", scenarios={"few": FEW, "all": ALL}, arms=("none", "classic"))
    said = collect_predictions(found, ask=asker(SHARES.get))
    results = results_of(found, said, [], {})
    assert [scenario["cohort_overlap"] for scenario in results["scenarios"]] == [None, None]
    write_report(results, said.runs, tmp_path / "report")
    assert (tmp_path / "report/curve.png").stat().st_size > 1000


def test_cohorts_that_share_patients_say_so(tmp_path):
    found = layout(tmp_path, scenarios={"few": FEW}, cohorts=2, arms=("none", "classic"))
    results = results_of(found, collect_predictions(found, ask=asker(SHARES.get)), [], {})
    one, other = (
        {x.patient for x in found.split(setting, 0).train} for setting in found.settings if setting.partition == 0
    )
    assert results["scenarios"][0]["cohort_overlap"] == len(one & other) / len(one) > 0


def test_doses_are_a_curve_and_no_part_of_the_verdict(tmp_path):
    # Twice the images do half as well.
    shares = {**SHARES, "acgan-dose10": 0.5}
    far = dataclasses.replace(FAR, doses=(10,))
    found = layout(tmp_path / "w", sites(), scenarios={"far": far}, seeds=tuple(range(6)))
    said = collect_predictions(found, ask=asker(shares.get))
    results = results_of(found, said, [], {})
    (scenario,) = results["scenarios"]
    assert {one["arm"]: one["word"] for one in scenario["comparisons"]} == {"none": "loss", "acgan": "gain"}
    rows = {row["synthetic_size"]: row for row in scenario["doses"]}
    assert list(rows) == [5, 10] and {row["arm"] for row in rows.values()} == {"acgan"}
    own = next(one for one in scenario["comparisons"] if one["arm"] == "acgan")["difference"]
    assert rows[5]["difference"]["value"] == own["value"] > 0.2 > 0 > rows[10]["difference"]["value"]
    assert (tmp_path / "w/predictions/far/acgan-dose10.npz").exists()
    write_report(results, said.runs, tmp_path / "report")
    assert (tmp_path / "report/doses.png").stat().st_size > 1000
    assert "| far | Classic + ACGAN | 10 |" in (tmp_path / "report/report.md").read_text()


def test_a_broken_generator_comes_before_any_verdict(studied, tmp_path):
    found, runs, _ = studied
    good = {**BANK, "fold": 0, "broken": []}
    bad = {**BANK, "fold": 1, "broken": ["wrong labels"]}
    for banks, is_said in (([good, bad], True), ([good, good, bad], False)):
        results = results_of(found, Predictions(runs, {"far": {}}), banks, {})
        write_report(results, runs, tmp_path)
        answer = json.loads((tmp_path / "results.json").read_text())["answer"]
        assert answer.startswith("ACGAN failed in scenario far (1 of 2 banks; fold 1: wrong labels)") is is_said
        assert "wrong labels" in (tmp_path / "report.md").read_text()
        assert "0.123 (0.8)" in (tmp_path / "report.md").read_text()
        # What its images gained is no gain of images that a working one draws.
        word = {one["arm"]: one["word"] for one in results["scenarios"][0]["comparisons"]}
        assert word == {"none": "loss", "acgan": "cannot tell" if is_said else "gain"}


@pytest.mark.parametrize(
    ("partition", "folds", "partitions", "said"),
    [
        ("", 3, 2, "3-fold cross-validation by patient, 2 partitions"),
        ("", 3, 1, "3-fold cross-validation by patient, 1 partition"),
        ("", 1, 1, "tested on the dataset's one test fold"),
        ("tag:site=far", 1, 1, "tested on site=far, trained on others"),
        ("tag:site", 2, 1, "each site tested on in turn, trained on the others"),
    ],
)
def test_how_patients_were_kept_apart_is_said_by_the_partition(partition, folds, partitions, said):
    assert how_tested({"partition": partition, "num_folds": folds, "num_partitions": partitions}) == said
