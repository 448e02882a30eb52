"""Figure of the arms: the accuracy of each, with its interval."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.ticker import PercentFormatter

from lesion_jax.io.figure_file import figure_file
from lesion_jax.paper.report.look import GRID_COLOR, PAPER_COLOR, look_of


def arms_figure(path: Path, arms: Sequence[Mapping[str, Any]], paper: Mapping[str, Any] | None = None) -> None:
    """Accuracy of each arm with its 95 % interval, seeds as ticks, the paper's value below it.

    Args:
      path: PNG to write.
      arms: {name, title, accuracy: {value, low, high}, per_seed_accuracy: [S]}, drawn from top to bottom.
      paper: {arms: [{name, metrics}]} as in `paper.reference`; None for none.
    """
    printed = {arm["name"]: arm["metrics"]["accuracy"]["total"] for arm in paper["arms"]} if paper else {}
    with figure_file(path, (7.2, 0.9 + 0.62 * len(arms))) as figure:
        axes = figure.subplots()
        for row, arm in enumerate(arms):
            color, marker = look_of(arm["name"])
            own = arm["accuracy"]
            axes.plot([own["low"], own["high"]], [row, row], color=color, linewidth=2)
            axes.plot(own["value"], row, marker=marker, color=color, markersize=8)
            if len(arm["per_seed_accuracy"]) > 1:
                axes.plot(arm["per_seed_accuracy"], [row] * len(arm["per_seed_accuracy"]), "|", color=color, ms=11)
            if theirs := printed.get(arm["name"]):
                label = "paper, another data set" if row == min(_rows(arms, printed)) else None
                axes.plot([theirs["low"], theirs["high"]], [row + 0.28] * 2, color=PAPER_COLOR, linewidth=1)
                axes.plot(theirs["value"], row + 0.28, "o", mfc="white", color=PAPER_COLOR, ms=5, label=label)
        axes.set_yticks(range(len(arms)), [arm["title"] for arm in arms])
        axes.set_ylim(len(arms) - 0.4, -0.5)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("Accuracy on the test folds, with 95 % interval over patients")
        axes.grid(axis="x", color=GRID_COLOR, linewidth=0.8)
        axes.set_axisbelow(True)
        if _rows(arms, printed):
            figure.legend(loc="outside lower right", fontsize=9)


def _rows(arms: Sequence[Mapping[str, Any]], printed: Mapping[str, Any]) -> list[int]:
    """Rows of the arms that the paper has too."""
    return [row for row, arm in enumerate(arms) if arm["name"] in printed]
