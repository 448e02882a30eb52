"""Which differences a study could show: by what is known of accuracy, or by a finished study."""

import dataclasses
import json

import numpy as np
import pytest

from lesion_jax.errors import ConfigError
from lesion_jax.metrics.components import Components
from lesion_jax.metrics.power import DEFAULTS, Size, smallest_difference
from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.statistics import compare
from lesion_jax.study.power import components_of, describe_power, power_of
from tests.study.made_up import ALL, FAR, FEW, layout, sites


def pilot(folder, metric="accuracy", **components):
    found = {"patients": 0.005, "residual": 0.05, "seeds": None, "groups": None, **components}
    results = {
        "rule": {"metric": metric},
        "scenarios": [{"comparisons": [{"difference": {"components": found}}]}],
    }
    (folder / "report").mkdir()
    (folder / "report/results.json").write_text(json.dumps(results))
    return folder


def test_without_a_pilot_only_what_was_measured_is_said():
    far = layout(content=sites(), scenarios={"far": FAR}, seeds=(0, 1, 2))
    (power,) = power_of(far)
    # Nine test patients, two comparisons.
    assert power.smallest == smallest_difference(DEFAULTS, Size(9, 3), num_compared=2) and power.needs
    assert "measured on the phantom" in describe_power([power], 0.05, "accuracy")
    unknown = layout(content=sites(), scenarios={"far": FAR}, metric="auroc")
    assert power_of(unknown)[0].smallest is None
    assert "auroc can be shown is not known" in describe_power(power_of(unknown), 0.05, "auroc")


def test_a_pilot_is_of_the_same_metric_and_saw_what_the_plan_varies_by(tmp_path):
    seeds, cohorts = layout(scenarios={"all": ALL}, seeds=(0, 1)), layout(scenarios={"few": FEW}, cohorts=3)
    known = pilot(tmp_path, seeds=0.001)
    assert components_of(known, seeds) == Components(0.005, 0.05, 0.001)
    said = describe_power(power_of(seeds, components_of(known, seeds)), 0.05, "accuracy", known)
    assert f"by the variances that {tmp_path} found" in said
    with pytest.raises(ConfigError, match="scenario few varies by: it takes a pilot with several cohorts"):
        components_of(known, cohorts)
    with pytest.raises(ConfigError, match="compared by accuracy, but metric is 'auroc'"):
        components_of(known, layout(metric="auroc"))
    with pytest.raises(ConfigError, match="is no finished study"):
        components_of(tmp_path / "nowhere", seeds)


def test_cohorts_of_one_seed_each_say_nothing_of_what_more_seeds_would_do():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 200)
    cohort = np.arange(20)

    def runs(seed):
        # A cohort shifts all of its lesions.
        shift = np.random.default_rng(seed).normal(0, 1, (20, 1))
        right = 1 / (1 + np.exp(-(shift + np.random.default_rng(seed + 9).normal(0, 1, (20, 200)))))
        probabilities = np.where(labels[None, :, None] == np.arange(2), right[..., None], 1 - right[..., None])
        nothing = np.zeros(20, np.int64)
        return Runs(
            probabilities=probabilities.astype(np.float32),
            labels=labels,
            patients=tuple(map(str, range(200))),
            cohort=cohort,
            partition=nothing,
            seed=nothing,
            folds=None,
        )

    found = compare(runs(1), runs(2), "accuracy").components
    assert found.seeds is None and found.groups > 0.01
    one, ten = (smallest_difference(found, dataclasses.replace(Size(200, 1, 20), seeds=n)) for n in (1, 10))
    assert ten > 0.8 * one


def test_a_study_is_planned_by_the_comparison_that_varies_most_in_it(tmp_path):
    by_patients, by_cohorts = (
        {"patients": patients, "residual": 0.05, "seeds": None, "groups": groups}
        for patients, groups in ((0.006, 0.0001), (0.005, 0.01))
    )
    rows = [{"difference": {"components": one}} for one in (by_patients, by_cohorts)]
    (tmp_path / "report").mkdir()
    results = {"rule": {"metric": "accuracy"}, "scenarios": [{"comparisons": rows}]}
    (tmp_path / "report/results.json").write_text(json.dumps(results))
    assert components_of(tmp_path, layout(scenarios={"few": FEW}, cohorts=3)) == Components(**by_cohorts)


def test_cohorts_in_cross_validation_are_counted_as_compare_counts_them():
    (power,) = power_of(layout(scenarios={"few": FEW}, cohorts=3, seeds=(0, 1)))
    assert (power.size.groups, power.size.seeds, power.size.folds) == (3, 2, 1)
    (power,) = power_of(layout(scenarios={"all": ALL}, partitions=2))
    assert (power.size.groups, power.size.seeds, power.size.folds) == (2, 1, 3)
