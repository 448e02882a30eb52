"""What was tried on inner patients before arms were compared, in words and as a table."""

from collections.abc import Mapping, Sequence
from typing import Any

from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.study.report.blocks import Block, Points, Table, Text


def chosen_in_words(results: Mapping[str, Any]) -> str:
    """A sentence on what was chosen, and on whom."""
    rows, rule = results["tuning"], results["rule"]
    if not rows:
        return "Nothing was chosen along the way."
    untuned = f"; {', '.join(rule['untuned'])}: taken as configured" if rule["untuned"] else ""
    return (
        f"All arms take one of {len(rows[0]['recipes'])} recipes, which each of them tried: the one with the best "
        f"{rule['metric_title']}, as the mean over arms, on inner patients (training patients that the networks which "
        f"tried it had not seen) of the first {rule['tuning_settings']} cohorts or seeds of each scenario{untuned}."
    )


def tuning_blocks(results: Mapping[str, Any]) -> list[Block]:
    """The recipes by number, and what every arm scored with each of them."""
    rows, metric = results["tuning"], PREDICTION_METRICS[results["rule"]["metric"]]
    scale = 100 if metric.unit == "%" else 1
    recipes = dict.fromkeys(_text(recipe) for row in rows for recipe in row["recipes"])
    numbers = {text: i for i, text in enumerate(recipes, start=1)}
    lines = []
    for row in rows:
        where = (row["scenario"], f"{row['partition']}, {row['fold']}")
        for arm in row["arms"]:
            lines.append((*where, arm["title"], "", *_scores(row, arm["scores"], numbers, scale), row["n"]))
        taken = numbers[_text(row["recipes"][row["chosen"]])]
        lines.append((*where, "Mean", taken, *_scores(row, row["scores"], numbers, scale), row["n"]))
    unit = ", %" if scale == 100 else ""
    heads = ("Scenario", "Partition, fold", "Arm", "Taken", *map(str, numbers.values()), "Inner lesions")
    return [
        Text(f"{metric.title}{unit} on inner lesions, by recipe; so few lesions tell large differences only.", "note"),
        Table(heads, lines),
        Points([f"{i}: {text}" for text, i in numbers.items()]),
    ]


def _text(recipe: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in recipe.items())


def _scores(row: Mapping[str, Any], scores: Sequence[float], numbers: Mapping[str, int], scale: int) -> list[str]:
    found = {_text(recipe): score for recipe, score in zip(row["recipes"], scores, strict=True)}
    return [f"{scale * found[text]:.3g}" if text in found else "" for text in numbers]
