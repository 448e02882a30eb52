"""Cells that are repetitions of one setting, taken together: which setting of a sweep is best, and by how much."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from lesion_jax.families import family_of
from lesion_jax.metrics.images import CHOOSES, GENERATOR_METRICS
from lesion_jax.metrics.titles import in_sentence
from lesion_jax.sweep.directory import Sweep

# Fields that repeat a training rather than change it.
REPEATED = ("seed", "data.fold")


def varied_settings(sweep: Sweep) -> list[str]:
    """Every field that some cell varies, without those that repeat."""
    return [name for name in sweep.varied if name not in REPEATED]


def score_title(sweep: Sweep) -> str:
    """What the score of a sweep's cells is; higher is better."""
    if family_of(sweep.config.base).draw is None:
        return "log-likelihood, inner patients"
    metric = GENERATOR_METRICS[CHOOSES]
    sign = "" if metric.better == "higher" else "minus "
    return f"{sign}{in_sentence(metric.title)}, inner patients"


def setting_rows(sweep: Sweep, rows: Sequence[dict[str, Any]], others: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Means over repetitions.

    Args:
      sweep: The sweep.
      rows: Of `status.cell_rows`.
      others: Names of further numbers of the cells; a cell may lack them.

    Returns:
      By setting, the best mean first and those without a score last: every varied field but seed and fold; cells, how
      many there are; n, how many of them have a score, which is what mean and sd (with n - 1; None below two) are over;
      best_cell, the run directory of the best; NAME_mean and NAME_sd of each other number.
    """
    fields = varied_settings(sweep)
    grouped: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault(tuple(row[name] for name in fields), []).append(row)
    found = []
    for values, some in grouped.items():
        scored = [row for row in some if row["score"] is not None]
        mean, sd = _mean_and_sd([row["score"] for row in scored])
        found.append(
            {
                **dict(zip(fields, values, strict=True)),
                "cells": len(some),
                "n": len(scored),
                "mean": mean,
                "sd": sd,
                "best_cell": max(scored, key=lambda row: row["score"])["run"] if scored else None,
            }
        )
        for name in others:
            values = [row[name] for row in some if row.get(name) is not None]
            found[-1] |= dict(zip((f"{name}_mean", f"{name}_sd"), _mean_and_sd(values), strict=True))
    return sorted(found, key=lambda row: -np.inf if row["mean"] is None else row["mean"], reverse=True)


def _mean_and_sd(values: Sequence[float]) -> tuple[float | None, float | None]:
    mean = float(np.mean(values)) if values else None
    return mean, float(np.std(values, ddof=1)) if len(values) > 1 else None


def describe_best(sweep: Sweep, rows: Sequence[dict[str, Any]]) -> list[str]:
    """The best setting in a line; none where a sweep has one setting, or no score yet.

    Args:
      sweep: The sweep.
      rows: Of `setting_rows`.
    """
    fields = varied_settings(sweep)
    if len(rows) < 2 or rows[0]["mean"] is None:
        return []
    best = rows[0]
    what = ", ".join(f"{name} {best[name]}" for name in fields)
    spread = f", SD {best['sd']:.3g}" if best["sd"] is not None else ""
    found = f"mean {best['mean']:.4g}{spread}, n = {best['n']} of {best['cells']}, {best['best_cell']}"
    return [f"best of {len(rows)} settings by {score_title(sweep)}: {what}; {found}"]
