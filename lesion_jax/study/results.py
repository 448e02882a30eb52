"""From predictions to the results that the report is written from; nothing is chosen here."""

import collections
import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from lesion_jax.core.types import UNITS
from lesion_jax.inference.kept_audit import broken_sentences, failed
from lesion_jax.metrics.predictions import PREDICTION_METRICS, score_predictions
from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.statistics import compare
from lesion_jax.paper.arms import ARMS
from lesion_jax.study.comparisons import FEW, ceiling_of, over_what_needs_none, with_baseline
from lesion_jax.study.layout import Layout, Setting
from lesion_jax.study.predictions import Predictions


def results_of(
    layout: Layout,
    predictions: Predictions,
    banks: Sequence[dict[str, Any]],
    facts: Mapping[str, Any],
    tuning: Sequence[dict[str, Any]] = (),
) -> dict[str, Any]:
    """Scores every arm and judges every comparison, scenario by scenario.

    Args:
      layout: The study.
      predictions: What was asked of its networks.
      banks: Audits, from `audit_banks`.
      facts: Versions, commit and fingerprints, as the study's directory remembers them.
      tuning: What was tried and chosen, from `choose_recipes`.

    Returns:
      {"question", "rule": what was fixed beforehand, "dataset", "tuning", "scenarios": [see `_scenario`], "banks",
      "broken": sentences that come before any verdict, "provenance"}.
    """
    config, lesions = layout.config, layout.cohort.lesions
    ceiling = ceiling_of(config)
    return {
        "question": config.question or _question(layout),
        "rule": {
            "metric": config.metric,
            "metric_title": PREDICTION_METRICS[config.metric].title,
            "margin": config.margin,
            "confidence": config.confidence,
            "baseline": config.baseline,
            "baseline_title": ARMS[config.baseline].title,
            "ceiling_title": ceiling and ARMS[ceiling].title,
            "arms": list(config.arms),
            "untuned": [arm.title for arm in layout.arms if tuning and not layout.recipes(arm)],
            "tuning_settings": _num_tuning_settings(layout) if tuning else 0,
        },
        "tuning": list(tuning),
        "dataset": {
            "class_names": list(lesions.class_names),
            "num_lesions": len(lesions.lesions),
            "num_patients": len({lesion.patient for lesion in lesions.lesions}),
            "unit": UNITS[lesions.unit].title,
            "fingerprint": lesions.fingerprint,
        },
        "scenarios": [
            {**_scenario(layout, name, some, banks), "doses": _doses(layout, name, predictions)}
            for name, some in predictions.runs.items()
        ],
        "banks": list(banks),
        "broken": broken_sentences(banks),
        "provenance": dict(facts),
    }


def _num_tuning_settings(layout: Layout) -> int:
    """Of each scenario and partition: a study may hold fewer than its config allows."""
    counts = collections.Counter((one.scenario, one.partition) for one in layout.tuning_settings)
    return max(counts.values())


def _question(layout: Layout) -> str:
    config = layout.config
    others = [ARMS[name].title for name in config.arms if name != config.baseline]
    # The comparisons name them all.
    said = ", ".join(others) if len(others) <= FEW else f"any of {len(others)} other arms"
    return (
        f"Does a classifier that tells {', '.join(layout.cohort.lesions.class_names)} apart do better on patients that "
        f"it has not seen when it is trained with {said} in place of {ARMS[config.baseline].title}?"
    )


def _scenario(layout: Layout, name: str, runs: Mapping[str, Runs], banks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """{"name", what it is made of, "arms": [scores], "comparisons": see `with_baseline`, "over_best": see there}."""
    config, scenario = layout.config, layout.config.scenarios[name]
    settings = [setting for setting in layout.settings if setting.scenario == name]
    first = next(iter(runs.values()))
    broken = {model for where, model in failed(banks) if where == name}
    parts = layout.split(settings[0], 0)
    return {
        "name": name,
        "partition": scenario.partition,
        "per_class": list(scenario.per_class),
        "classic_size": scenario.classic_size,
        "synthetic_size": scenario.synthetic_size,
        "num_cohorts": len({setting.cohort for setting in settings}),
        "cohort_overlap": _overlap(layout, settings),
        "num_partitions": len({setting.partition for setting in settings}),
        "num_folds": len(layout.folds(settings[0])),
        "seeds": list(config.seeds),
        "num_train_lesions": len(parts.train),
        "num_train_patients": len({lesion.patient for lesion in parts.train}),
        "num_test_lesions": len(first.labels),
        "num_test_patients": len(set(first.patients)),
        "arms": [_arm(layout, arm, some) for arm, some in runs.items()],
        "comparisons": with_baseline(config, runs, broken),
        "over_best": over_what_needs_none(config, runs, broken),
    }


def _overlap(layout: Layout, settings: Sequence[Setting]) -> float | None:
    """Mean share of the training patients of one cohort that another one has too; None with one cohort."""
    firsts = {setting.cohort: setting for setting in reversed(settings)}
    of = [{lesion.patient for lesion in layout.split(setting, 0).train} for setting in firsts.values()]
    shares = [len(one & other) / len(one) for one, other in itertools.combinations(of, 2)]
    return sum(shares) / len(shares) if shares else None


def _arm(layout: Layout, name: str, runs: Runs) -> dict[str, Any]:
    arm = ARMS[name]
    scored = score_predictions(runs.labels, runs.probabilities, layout.cohort.lesions.num_classes, runs.patients)
    return {"name": name, "title": arm.title, "generator": arm.generator, **scored}


def _doses(layout: Layout, scenario: str, predictions: Predictions) -> list[dict[str, Any]]:
    """[{"arm", "title", "synthetic_size", "difference"}]: each arm with doses, at all of its sizes, not corrected."""
    config = layout.config
    setting = next(setting for setting in layout.settings if setting.scenario == scenario)
    baseline = predictions.runs[scenario][config.baseline]
    found = []
    for name, further in predictions.doses[scenario].items():
        sizes = {layout.synthetic_size(ARMS[name], setting): predictions.runs[scenario][name], **further}
        for size, runs in sorted(sizes.items()):
            difference = compare(runs, baseline, config.metric, confidence=config.confidence).to_json()
            found.append({"arm": name, "title": ARMS[name].title, "synthetic_size": size, "difference": difference})
    return found
