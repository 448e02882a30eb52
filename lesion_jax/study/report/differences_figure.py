"""Figure of the paired differences, with their intervals and the margin that was fixed beforehand."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesion_jax.io.figure_file import figure_file
from lesion_jax.metrics.titles import in_sentence
from lesion_jax.paper.report.look import GRID_COLOR, look_of

_COLORS = {"gain": "#009E73", "loss": "#D55E00", "no difference": "#0072B2", "cannot tell": "#7F7F7F"}


def differences_figure(path: Path, scenarios: Sequence[Mapping[str, Any]], rule: Mapping[str, Any], scale: int) -> None:
    """One row per comparison; one panel per scenario, and one of generators against whatever needs none.

    Args:
      path: PNG to write.
      scenarios: As in results.
      rule: As in results.
      scale: 100 for shares, which are shown in points; 1 otherwise.
    """
    panels = _panels(scenarios, rule)
    rows = [len(some) for _, some in panels]
    with figure_file(path, (7.6, 0.8 + 0.45 * sum(rows) + 0.55 * len(rows))) as figure:
        every = figure.subplots(len(rows), 1, squeeze=False, sharex=True, height_ratios=rows)[:, 0]
        for axes, (title, some) in zip(every, panels, strict=True):
            axes.axvspan(-scale * rule["margin"], scale * rule["margin"], color="#F0F0F0", zorder=0)
            axes.axvline(0, color="#404040", linewidth=0.8)
            for row, one in enumerate(some):
                difference, color = one["difference"], _COLORS[one["word"]]
                axes.plot([scale * difference["low"], scale * difference["high"]], [row, row], color=color, linewidth=2)
                axes.plot(scale * difference["value"], row, marker=look_of(one["arm"])[1], color=color, markersize=7)
                axes.annotate(one["word"], (1.01, row), xycoords=("axes fraction", "data"), va="center", color=color)
            axes.set_yticks(range(len(some)), [one["title"] for one in some])
            axes.set_ylim(len(some) - 0.5, -0.5)
            axes.grid(axis="x", color=GRID_COLOR, linewidth=0.8)
            axes.set_axisbelow(True)
            if len(panels) > 1:
                axes.set_title(title, loc="left")
        if scale == 100:
            # Two cohorts say so little that their interval is wider than what a share can be.
            low, high = every[-1].get_xlim()
            every[-1].set_xlim(max(low, -100), min(high, 100))
        words, unit = in_sentence(rule["metric_title"]), " in points" if scale == 100 else ""
        every[-1].set_xlabel(f"Difference of {words}{unit} (grey: within the margin)")


def _panels(
    scenarios: Sequence[Mapping[str, Any]], rule: Mapping[str, Any]
) -> list[tuple[str, Sequence[Mapping[str, Any]]]]:
    """Title and comparisons of each panel."""
    found = []
    for scenario in scenarios:
        where = f"{scenario['name']}: " if len(scenarios) > 1 else ""
        found.append((f"{where}against {rule['baseline_title']}", scenario["comparisons"]))
        if scenario["over_best"]:
            found.append((f"{where}against the best that needs no generator", scenario["over_best"]))
    return found
