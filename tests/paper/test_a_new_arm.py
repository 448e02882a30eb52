"""Arms that nobody has heard of: rows added here appear in the protocol, the results and everywhere in the report."""

import dataclasses
import json
import types

import numpy as np
import pytest

from lesion_jax.core.types import Images
from lesion_jax.data.bank import Bank
from lesion_jax.families import FAMILIES
from lesion_jax.metrics.images import GENERATOR_METRICS
from lesion_jax.paper.arms import ARMS, Arm
from lesion_jax.paper.features import features_of
from lesion_jax.paper.generators import judge_generators, samples_of, window_of
from lesion_jax.paper.report.write import write_report
from lesion_jax.paper.results import results_of
from tests.paper.made_up import MadeUp, models, paper_config

pytestmark = pytest.mark.slow

ROWS = {
    "changed": Arm("changed", "Low momentum", "#E69F00", "P", changes={"momentum": 0.5}),
    "predictor": Arm("predictor", "Visual words", "#56B4E9", "X", predictor="words"),
    "generator": Arm(
        "generator",
        "Classic + templates",
        "#009E73",
        "*",
        generator="templates",
        chosen=("classic_size", "synthetic_size"),
    ),
    "fixed": Arm("fixed", "Half synthetic", "#F0E442", "<", generator="templates", changes={"data.synthetic_size": 30}),
}


@pytest.fixture
def protocol(monkeypatch):
    """A protocol with four new arms of two new families beside the baseline, on made-up trainings."""
    some = models()

    @dataclasses.dataclass(frozen=True)
    class WordsConfig(type(some["classifier"])):
        kind: str = "words"

    @dataclasses.dataclass(frozen=True)
    class TemplatesConfig(type(some["dcgan"])):
        kind: str = "templates"

    def copied(config, cls):
        return cls(**{field.name: getattr(config, field.name) for field in dataclasses.fields(cls)[1:]})

    words = dataclasses.replace(FAMILIES["classifier"], name="words", title="Visual words", config=WordsConfig)
    templates = dataclasses.replace(FAMILIES["dcgan"], name="templates", title="Templates", config=TemplatesConfig)
    for family in (words, templates):
        monkeypatch.setitem(FAMILIES, family.name, family)
    for name, row in ROWS.items():
        monkeypatch.setitem(ARMS, name, row)
    more = {"words": copied(some["classifier"], WordsConfig), "templates": copied(some["dcgan"], TemplatesConfig)}
    config = paper_config(models=some | more, arms=("none", "classic", *ROWS))
    return MadeUp(config, share=lambda name, which: 0.7 if "-60" in name else 0.5)


def audit(place, banks, dataset, known):
    """Of three banks, one a class; two folds have collapsed."""
    fold = place.parent.name
    assert len(banks) == 3 and all(f"seed0/{fold}/templates-" in str(path) for path in banks)
    metrics = {"kernel_distance": {"value": 0.5, "n": 60}, "count": {"value": 1.0, "n": 60}}
    broken = [] if fold == "fold2" else ["collapsed"]
    metrics = {"num_real": 20, "num_synthetic": 60, "num_floor": 0, "metrics": metrics}
    return {"num_bank": 90, "broken": broken, "sentence": f"The audit of {fold}.", "metrics": metrics}


def load(path):
    label = ("cyst", "metastasis", "hemangioma").index(path.name.split("-")[1])
    return Bank(Images(np.zeros((3, 32, 32), np.int16), np.full(3, label, np.int32)), {})


def test_it_is_trained_chosen_for_and_compared(protocol):
    findings = protocol.run()
    names = {name for _, named in protocol.trained for name in named}
    assert {
        "seed0/fold0/classic-120-momentum=0.5",
        "seed0/fold1/words-on-60",
        "seed0/fold2/templates-cyst-on-60",
    } < names
    found = {arm["name"]: arm for arm in results_of(protocol, findings, [])["arms"]}
    assert list(found) == ["none", "classic", *ROWS]
    for name in ROWS:
        assert found[name]["title"] == ROWS[name].title and found[name]["difference"]["num_lesions"] == 60
    assert found["fixed"]["chosen"]["synthetic images per class and fold"] == [30, 30, 30]


def test_it_appears_everywhere_in_the_report(protocol, tmp_path, monkeypatch):
    # They take seconds; the next test looks at all of them.
    for name in [name for name, metric in GENERATOR_METRICS.items() if metric.for_reports]:
        monkeypatch.delitem(GENERATOR_METRICS, name)
    findings = protocol.run()
    scores, banks = judge_generators(protocol, findings.gan_sizes, audit=audit)
    samples, features = samples_of(protocol, findings, load=load), features_of(findings)
    results = results_of(protocol, findings, scores, banks)
    text = write_report(results, tmp_path, samples=samples, features=features, window=window_of(protocol)).read_text()
    sections = dict(part.split("\n", 1) for part in text.split("\n## ")[1:])
    for row in ROWS.values():
        for title in ("Arms", "Accuracy against the number of training images", "Confusion", "Beside the paper"):
            assert f"| {row.title} |" in sections[title], (row.name, title)
        assert f"| {row.title} |" in sections["What was chosen, and how"]
        first, second = text.split("\n\n")[1:3]
        assert row.title in (first if row.generator else second)
        assert row.title in [title for title, *_ in features]
    assert "| Templates |" in sections["Images"]
    assert [title for title, _ in samples] == ["Real", "Templates"]
    assert all(len(images) == 3 for images in samples[1][1].values())
    written = json.loads((tmp_path / "results.json").read_text())
    assert {point["arm"] for point in written["synthetic_curve"]} == {"generator", "fixed"}
    assert {point["arm"] for point in written["classic_curve"]} == {"none", "classic", "changed", "predictor"}


def test_banks_are_audited_and_scored_beside_real_lesions_and_what_failed_is_said_first(protocol, monkeypatch):
    seen = []

    def count(fake, real):
        seen.append((len(fake), len(real), real.window))
        return {"value": 1.0}

    row = dataclasses.replace(GENERATOR_METRICS["variety"], name="count", compute=count)
    monkeypatch.setitem(GENERATOR_METRICS, "count", row)
    findings = protocol.run()
    scores, banks = judge_generators(protocol, findings.gan_sizes, audit=audit)
    assert [(row["title"], row["fold"], row["broken"]) for row in banks] == [
        ("Templates", 0, ["collapsed"]),
        ("Templates", 1, ["collapsed"]),
        ("Templates", 2, []),
    ]
    (said,) = results_of(protocol, findings, scores, banks)["broken"]
    assert said.startswith("Templates failed (2 of 3 banks; fold 0: collapsed)")
    assert [one["title"] for one in scores] == ["Templates", "Real lesions of the training folds"]
    assert [one["fold"] for one in scores[0]["scores"]] == [0, 1, 2]
    assert scores[0]["scores"][0]["metrics"]["count"] == {"value": 1.0, "n": 60}
    # Every metric of the table, on real lesions; each is a test lesion once.
    limits = [one["metrics"] for one in scores[1]["scores"]]
    assert all(list(metrics) == list(GENERATOR_METRICS) for metrics in limits)
    assert sum(num for _, num, _ in seen) == 60 and {window for *_, window in seen} == {protocol.cohort.lesions.window}
    assert limits[0]["kernel_distance"]["value"] < 0.5


def test_features_that_are_probabilities_are_no_picture(protocol):
    findings = protocol.run()
    found = findings.arms["changed"]
    test = found.outcomes[0][0].test
    plain = types.SimpleNamespace(test=dataclasses.replace(test, features=test.probabilities))
    arms = {**findings.arms, "changed": dataclasses.replace(found, outcomes=[[plain]])}
    assert "Low momentum" not in [title for title, *_ in features_of(dataclasses.replace(findings, arms=arms))]
