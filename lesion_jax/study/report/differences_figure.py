"""Figure of the paired differences, with their intervals and the margin that was fixed beforehand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesion_jax.io.figure_file import figure_file
from lesion_jax.paper.report.look import GRID_COLOR, look_of

_COLORS = {"gain": "#009E73", "loss": "#D55E00", "no difference": "#0072B2", "cannot tell": "#7F7F7F"}


def differences_figure(path: Path, scenarios: Sequence[Mapping[str, Any]], rule: Mapping[str, Any], scale: int) -> None:
    """One row per comparison, one panel per scenario.

    Args:
      path: PNG to write.
      scenarios: As in results.
      rule: As in results.
      scale: 100 for shares, which are shown in points; 1 otherwise.
    """
    rows = [len(scenario["comparisons"]) for scenario in scenarios]
    with figure_file(path, (7.6, 0.8 + 0.45 * sum(rows) + 0.55 * len(rows))) as figure:
        panels = figure.subplots(len(rows), 1, squeeze=False, sharex=True, height_ratios=rows)[:, 0]
        for axes, scenario in zip(panels, scenarios, strict=True):
            axes.axvspan(-scale * rule["margin"], scale * rule["margin"], color="#F0F0F0", zorder=0)
            axes.axvline(0, color="#404040", linewidth=0.8)
            for row, one in enumerate(scenario["comparisons"]):
                difference, color = one["difference"], _COLORS[one["word"]]
                axes.plot([scale * difference["low"], scale * difference["high"]], [row, row], color=color, linewidth=2)
                axes.plot(scale * difference["value"], row, marker=look_of(one["arm"])[1], color=color, markersize=7)
                axes.annotate(one["word"], (1.01, row), xycoords=("axes fraction", "data"), va="center", color=color)
            axes.set_yticks(range(len(scenario["comparisons"])), [one["title"] for one in scenario["comparisons"]])
            axes.set_ylim(len(scenario["comparisons"]) - 0.5, -0.5)
            axes.grid(axis="x", color=GRID_COLOR, linewidth=0.8)
            axes.set_axisbelow(True)
            if len(scenarios) > 1:
                axes.set_title(scenario["name"], loc="left")
        if scale == 100:
            # Two cohorts say so little that their interval is wider than what a share can be.
            low, high = panels[-1].get_xlim()
            panels[-1].set_xlim(max(low, -100), min(high, 100))
        unit = "points" if scale == 100 else ""
        label = f"{rule['metric_title']} minus that of {rule['baseline_title']}, {unit} (grey: within the margin)"
        panels[-1].set_xlabel(label)
