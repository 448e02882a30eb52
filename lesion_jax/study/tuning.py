"""Which recipe the arms take: the best on inner patients, whom none of the tuning networks was trained on."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lesion_jax.core.types import Lesion
from lesion_jax.disk.atomic import write_json
from lesion_jax.errors import ConfigError
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.metrics.predictions import DECIDES_TIES, PREDICTION_METRICS
from lesion_jax.paper.arms import Arm
from lesion_jax.study import stages
from lesion_jax.study.layout import Layout, Setting
from lesion_jax.study.predictions import Ask, asker


def choose_recipes(layout: Layout, *, ask: Ask | None = None) -> list[dict[str, Any]]:
    """Chooses, once: what was chosen is kept in WORKDIR/recipes.json and read from there.

    Args:
      layout: The study, whose tuning has been trained.
      ask: Answers in place of the networks, for tests.

    Returns:
      A row for each scenario, partition, test fold and tuned model: {"scenario", "partition", "fold", "model",
      "recipes": what was tried, "arms": [{"arm", "title", "scores": the primary metric of each recipe}], "scores":
      their means over arms, "chosen": number of the best, the lower log-loss and then the first of equals, "n": inner
      lesions, over all tuning settings}.

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
    models = dict.fromkeys(arm.predictor for arm in layout.arms if layout.recipes(arm))
    rows = [
        {"scenario": scenario, "partition": partition, "fold": fold, **_choose(layout, model, some, fold, ask)}
        for (scenario, partition), some in of.items()
        for model in models
        for fold in layout.folds(some[0])
    ]
    if rows:
        write_json(path, rows)
    return rows


def with_recipes(layout: Layout, rows: Sequence[Mapping[str, Any]]) -> Layout:
    """The study with the recipes that were chosen."""
    chosen = {(row["scenario"], row["partition"], row["fold"], row["model"]): row["chosen"] for row in rows}
    return dataclasses.replace(layout, chosen=chosen)


def _choose(layout: Layout, model: str, settings: Sequence[Setting], fold: int, ask: Ask) -> dict[str, Any]:
    arms = [arm for arm in layout.arms if arm.predictor == model]
    inner = [layout.split(setting, fold).inner for setting in settings]
    # float [arms, recipes] of each of the two.
    scores, losses = np.moveaxis(
        np.array([_scores(layout, arm, settings, inner, fold, ask) for arm in arms], np.float64), -1, 0
    )
    sign = 1 if PREDICTION_METRICS[layout.config.metric].better == "higher" else -1
    means, loss = scores.mean(0), losses.mean(0)
    return {
        "model": model,
        "recipes": layout.recipes(arms[0]),
        "arms": [
            {"arm": arm.name, "title": arm.title, "scores": row.tolist()} for arm, row in zip(arms, scores, strict=True)
        ],
        "scores": means.tolist(),
        "chosen": max(range(len(means)), key=lambda i: (sign * means[i], -loss[i], -i)),
        "n": len({lesion.lesion_id for lesions in inner for lesion in lesions}),
    }


def _scores(
    layout: Layout,
    arm: Arm,
    settings: Sequence[Setting],
    inner: Sequence[tuple[Lesion, ...]],
    fold: int,
    ask: Ask,
) -> list[list[float]]:
    """[primary metric, log-loss] of each recipe of an arm, on the inner lesions of all settings together."""
    labels = np.array([lesion.label for lesions in inner for lesion in lesions])
    trials = [layout.predictors(arm, setting, fold) for setting in settings]
    found = []
    for number in range(len(layout.recipes(arm))):
        said = [ask([layout.run(some[number][0])], lesions) for some, lesions in zip(trials, inner, strict=True)]
        probabilities = np.concatenate(said)[None]
        metrics = (PREDICTION_METRICS[name] for name in (layout.config.metric, DECIDES_TIES))
        found.append([float(metric.total(labels, probabilities).value[0]) for metric in metrics])
    return found


def _check_trained(layout: Layout) -> None:
    for number, setting in enumerate(layout.tuning_settings):
        names = [name for stage in (stages.first, stages.second) for name, _ in stage(layout, [setting])]
        if not all(RunDirectory(layout.run(name)).is_done for name in names):
            last = len(layout.tuning_settings) - 1
            raise ConfigError(
                f"The recipes of this study are not known: setting {number}, which tries them, is not trained. Run "
                f"settings 0 to {last} first (--index), and the others after them."
            )
