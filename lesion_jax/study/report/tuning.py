"""What was tried on inner patients before arms were compared, in words and as a table."""

from collections.abc import Mapping
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
        f"Each arm chose one of {len(rows[0]['recipes'])} recipes by {rule['metric_title'].lower()} on inner patients: "
        f"training patients that the networks which tried them had not seen, of the first {rule['tuning_settings']} "
        f"cohorts or seeds of each scenario{untuned}."
    )


def tuning_blocks(results: Mapping[str, Any]) -> list[Block]:
    """The recipes by number, and what every arm scored with each of them."""
    rows, metric = results["tuning"], PREDICTION_METRICS[results["rule"]["metric"]]
    scale = 100 if metric.unit == "%" else 1
    recipes = dict.fromkeys(_text(recipe) for row in rows for recipe in row["recipes"])
    number = {text: i for i, text in enumerate(recipes, start=1)}
    table = Table(
        ("Scenario", "Partition, fold", "Arm", "Chosen", *map(str, number.values()), "Inner lesions"),
        [
            (
                row["scenario"],
                f"{row['partition']}, {row['fold']}",
                row["title"],
                number[_text(row["recipes"][row["chosen"]])],
                *_scores(row, number, scale),
                row["n"],
            )
            for row in rows
        ],
    )
    unit = ", %" if scale == 100 else ""
    return [
        Text(f"{metric.title}{unit} on inner lesions, by recipe; so few lesions tell large differences only.", "note"),
        table,
        Points([f"{i}: {text}" for text, i in number.items()]),
    ]


def _text(recipe: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in recipe.items())


def _scores(row: Mapping[str, Any], number: Mapping[str, int], scale: int) -> list[str]:
    found = {_text(recipe): score for recipe, score in zip(row["recipes"], row["scores"], strict=True)}
    return [f"{scale * found[text]:.3g}" if text in found else "" for text in number]
