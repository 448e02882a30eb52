"""Which recipe each arm takes: the best on inner patients, whom none of its tuning networks was trained on."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lesion_jax.disk.atomic import write_json
from lesion_jax.errors import ConfigError
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.paper.arms import ARMS, Arm
from lesion_jax.study import stages
from lesion_jax.study.layout import Layout, Setting
from lesion_jax.study.predictions import Ask, asker

# Where the metric says nothing, as it often does of a few dozen lesions.
_SECOND = "log_loss"


def choose_recipes(layout: Layout, *, ask: Ask | None = None) -> list[dict[str, Any]]:
    """Chooses, once: what was chosen is kept in WORKDIR/recipes.json and read from there.

    Args:
      layout: The study, whose tuning has been trained.
      ask: Answers in place of the networks, for tests.

    Returns:
      A row for each scenario, partition, test fold and tuned arm: {"scenario", "partition", "fold", "arm", "title",
      "recipes": what was tried, "scores": the primary metric of each, "chosen": number of the best, the lower log-loss
      and then the first of equals, "n": inner lesions, over all tuning settings}.

    Raises:
      ConfigError: The tuning has not been trained yet.
    """
    path = layout.workdir / "recipes.json"
    if path.exists():
        return json.loads(path.read_text())
    _check_trained(layout)
    of: dict[tuple[str, int], list[Setting]] = {}
    for setting in layout.tuning_settings:
        of.setdefault((setting.scenario, setting.partition), []).append(setting)
    ask = ask or asker()
    rows = [
        {"scenario": scenario, "partition": partition, "fold": fold, **_choose(layout, arm, some, fold, ask)}
        for (scenario, partition), some in of.items()
        for arm in layout.arms
        if layout.recipes(arm)
        for fold in layout.folds(some[0])
    ]
    if rows:
        write_json(path, rows)
    return rows


def with_recipes(layout: Layout, rows: Sequence[Mapping[str, Any]]) -> Layout:
    """The study with the recipes that were chosen."""
    chosen = {(row["scenario"], row["partition"], row["fold"], row["arm"]): row["chosen"] for row in rows}
    return dataclasses.replace(layout, chosen=chosen)


def _choose(layout: Layout, arm: Arm, settings: Sequence[Setting], fold: int, ask: Ask) -> dict[str, Any]:
    inner = [layout.split(setting, fold).inner for setting in settings]
    labels = np.array([lesion.label for lesions in inner for lesion in lesions])
    trials = [layout.predictors(arm, setting, fold) for setting in settings]
    scores, seconds = [], []
    for number in range(len(layout.recipes(arm))):
        said = [ask([layout.run(some[number][0])], lesions) for some, lesions in zip(trials, inner, strict=True)]
        probabilities = np.concatenate(said)[None]
        values = [
            float(PREDICTION_METRICS[name].total(labels, probabilities).value[0])
            for name in (layout.config.metric, _SECOND)
        ]
        scores.append(values[0])
        seconds.append(values[1])
    sign = 1 if PREDICTION_METRICS[layout.config.metric].better == "higher" else -1
    best = max(range(len(scores)), key=lambda i: (sign * scores[i], -seconds[i], -i))
    return {
        "arm": arm.name,
        "title": ARMS[arm.name].title,
        "recipes": layout.recipes(arm),
        "scores": scores,
        "chosen": best,
        "n": len(labels),
    }


def _check_trained(layout: Layout) -> None:
    for number, setting in enumerate(layout.tuning_settings):
        names = [name for stage in (stages.first, stages.second) for name, _ in stage(layout, [setting])]
        if not all(RunDirectory(layout.run(name)).is_done for name in names):
            last = len(layout.tuning_settings) - 1
            raise ConfigError(
                f"The recipes of this study are not known: setting {number}, which tries them, is not trained. Run "
                f"settings 0 to {last} first (--index), and the others after them."
            )
