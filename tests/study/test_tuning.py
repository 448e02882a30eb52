"""Recipes: tried by every arm on inner patients, chosen once, and taken by the comparison."""

import dataclasses
import json

import pytest

from lesion_jax.errors import ConfigError
from lesion_jax.study import run, stages, tuning
from lesion_jax.study.predictions import collect_predictions
from lesion_jax.study.recipes import TuningConfig
from lesion_jax.study.report.write import write_report
from lesion_jax.study.results import results_of
from tests.study.made_up import ALL, FEW, asker, layout, study_config

GRID = {"classifier": (("learning_rate", (0.01, 0.1)), ("weight_decay", (0.0, 1e-3)))}
TUNING = TuningConfig(GRID, num_settings=2)
# Of four recipes the third is best on average; the ACGAN's images alone do a little better with the second.
SHARES = {"none-recipe2": 0.6, "classic-recipe2": 0.95, "acgan-recipe1": 0.9, "acgan-recipe2": 0.8}


def tuned(workdir, **changes):
    return layout(workdir, **{"scenarios": {"all": ALL}, "seeds": (0, 1, 2), "tuning": TUNING, **changes})


def test_every_arm_tries_as_many_recipes_on_patients_that_nothing_of_the_tuning_has_seen(tmp_path):
    found = tuned(tmp_path)
    first, second = (stage(found, found.tuning_settings) for stage in (stages.first, stages.second))
    # Two settings, three folds, four recipes; none, classic and one generator, then the arm with its images.
    assert len(first) == 2 * 3 * (4 + 4 + 1) and len(second) == 2 * 3 * 4
    compared = dict(stages.first(found, found.settings))
    for name, config in (*first, *second):
        setting = next(one for one in found.tuning_settings if name.startswith(one.name))
        parts = found.cohort.split(config.data)
        assert parts.inner and config.data.hold_out_inner and name not in compared
        # The lesions that the recipe is chosen by.
        assert parts.inner == found.split(setting, config.data.fold).inner
    drawn = {str(found.bank(name)) for name, *_ in stages.banks(found, found.tuning_settings)}
    assert {bank for _, config in second for bank in config.data.banks} == drawn
    assert all("/tuning/" in bank for bank in drawn)


def test_the_best_on_inner_patients_is_taken_and_kept(tmp_path, monkeypatch):
    found = tuned(tmp_path)
    monkeypatch.setattr(tuning, "_check_trained", lambda layout: None)
    rows = tuning.choose_recipes(found, ask=asker(lambda name: SHARES.get(name, 0.1)))
    assert [(row["fold"], row["model"], row["chosen"]) for row in rows] == [(i, "classifier", 2) for i in range(3)]
    for row in rows:
        assert [arm["arm"] for arm in row["arms"]] == ["none", "classic", "acgan"]
        assert row["scores"] == pytest.approx([sum(a["scores"][i] for a in row["arms"]) / 3 for i in range(4)])
        # Two settings that differ by their seed hold out the same lesions.
        assert row["n"] == len(found.split(found.tuning_settings[0], row["fold"]).inner)
    # Read, not asked again.
    assert tuning.choose_recipes(found, ask=None) == rows == json.loads((tmp_path / "recipes.json").read_text())
    after = tuning.with_recipes(found, rows)
    rates = {
        name.rpartition("/")[2]: (config.learning_rate, config.weight_decay, config.data.hold_out_inner)
        for stage in (stages.first, stages.second)
        for name, config in stage(after, after.settings)
        if "generator" not in name
    }
    assert set(rates.values()) == {(0.1, 0.0, False)} and set(rates) == {"none", "classic", "acgan"}
    said = collect_predictions(after, ask=asker(lambda name: 0.6))
    results = results_of(after, said, [], {}, rows)
    write_report(results, said.runs, tmp_path / "report")
    text = (tmp_path / "report/report.md").read_text()
    assert "All arms take one of 4 recipes" in text and "Nothing was chosen" not in text
    assert "3: learning_rate 0.1, weight_decay 0.0" in text and "of the first 2 cohorts or seeds" in text
    # Two are allowed, one is there.
    alone = dataclasses.replace(after, config=dataclasses.replace(after.config, seeds=(0,)))
    said = collect_predictions(alone, ask=asker(lambda name: 0.6))
    assert results_of(alone, said, [], {}, rows)["rule"]["tuning_settings"] == 1


def test_each_fold_and_scenario_chooses_for_itself(tmp_path, monkeypatch):
    found = tuned(tmp_path, scenarios={"all": ALL, "few": FEW}, arms=("none", "classic"), cohorts=2)
    monkeypatch.setattr(tuning, "_check_trained", lambda layout: None)

    def ask(runs, lesions):
        name = str(runs[0]).rpartition("/runs/")[2]
        best = "recipe3" if name.startswith("few") and "fold1" in name else "recipe0"
        return asker(lambda arm: 1.0 if arm.endswith(best) else 0.0)(runs, lesions)

    chosen = tuning.with_recipes(found, tuning.choose_recipes(found, ask=ask)).chosen
    assert {key for key, number in chosen.items() if number == 3} == {("few", 0, 1, "classifier")}


def test_a_task_that_needs_recipes_says_which_come_first(tmp_path, monkeypatch):
    found = tuned(tmp_path)
    monkeypatch.setattr(run, "prepare", lambda config, workdir: found)
    assert len(run.tasks_of(found)) == 2 + 3
    with pytest.raises(ConfigError, match=r"setting 0, which tries them, is not trained. Run settings 0 to 1 first"):
        run.run_setting(found.config, tmp_path, 2)
    assert not (tmp_path / "programs").exists()


def test_patients_too_few_to_hold_some_out_are_named_with_the_scenario(tmp_path):
    few = dataclasses.replace(FEW, per_class=(1,))
    found = tuned(tmp_path, scenarios={"few": few}, arms=("none", "classic"))
    name, config = stages.first(found, found.tuning_settings)[0]
    with pytest.raises(ConfigError, match=r"^few/cohort0.*/tuning/fold0/none-recipe0: .* leave tuning.grid empty"):
        run._check(name, config, found.cohort)
    for name, config in stages.first(found, found.settings):
        run._check(name, config, found.cohort)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"dcgan": (("learning_rate", (0.1,)),)}, "tuning.grid has 'dcgan'; models that answer are classifier"),
        ({"classifier": (("data.batch_size", (8,)),)}, "has data.batch_size, which a study sets alike"),
        ({"classifier": (("seed", (1, 2)),)}, "has seed, which a study sets alike"),
        ({"classifier": (("rate", (0.1,)),)}, "rate cannot be varied"),
        ({"classifier": (("learning_rate", ()),)}, "name at least one value"),
        ({"classifier": (("learning_rate", (-1.0,)),)}, "arm 'none', .*learning_rate is -1.0"),
        ({"classifier": (("intensity", ("none", "jitter")),)}, "tries intensity, but arm 'intensity' is what sets it"),
        (
            {"classifier": (("learning_rate", (0.1, 0.2)),), "acgan": (("learning_rate", (0.1,)),)},
            "as many of every model",
        ),
    ],
)
def test_recipes_that_cannot_be_are_refused(grid, message):
    config = study_config(arms=("none", "classic", "intensity", "acgan_discriminator"))
    config.check()
    with pytest.raises(ConfigError, match=message):
        dataclasses.replace(config, tuning=TuningConfig(grid)).check()
