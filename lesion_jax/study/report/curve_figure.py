"""Figure of the learning curves: the primary metric against the number of training lesions."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesion_jax.io.figure_file import figure_file
from lesion_jax.paper.report.look import GRID_COLOR, look_of


def curve_figure(path: Path, scenarios: Sequence[Mapping[str, Any]], rule: Mapping[str, Any], scale: int) -> None:
    """One line per arm over scenarios of different size; arguments as `differences_figure`."""
    ordered = sorted(scenarios, key=lambda scenario: scenario["num_train_lesions"])
    sizes = [scenario["num_train_lesions"] for scenario in ordered]
    with figure_file(path, (7.2, 4.2)) as figure:
        axes = figure.subplots()
        names = list(dict.fromkeys(arm["name"] for scenario in ordered for arm in scenario["arms"]))
        for number, name in enumerate(names):
            color, marker = look_of(name)
            found = [next(arm for arm in scenario["arms"] if arm["name"] == name) for scenario in ordered]
            totals = [arm["metrics"][rule["metric"]]["total"] for arm in found]
            # Side by side: intervals of arms at one size would hide each other.
            at = [size * 1.02 ** (number - len(names) / 2) for size in sizes]
            axes.errorbar(
                at,
                [scale * total["value"] for total in totals],
                yerr=[[scale * abs(t["value"] - t[end]) for t in totals] for end in ("low", "high")],
                color=color,
                marker=marker,
                linewidth=1.2,
                elinewidth=0.8,
                label=found[0]["title"],
            )
        axes.set_xscale("log")
        axes.set_xticks(sizes, [str(size) for size in sizes])
        axes.minorticks_off()
        axes.set_xlabel("Training lesions")
        axes.set_ylabel(f"{rule['metric_title']}{', %' if scale == 100 else ''}")
        axes.grid(color=GRID_COLOR, linewidth=0.8)
        axes.set_axisbelow(True)
        figure.legend(loc="outside right upper", fontsize=9)
