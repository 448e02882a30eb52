"""Figure of the dose-response curves: the difference from the baseline against the number of synthetic images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesion_jax.io.figure_file import figure_file
from lesion_jax.paper.report.look import GRID_COLOR, look_of, panel_layout


def dose_figure(path: Path, scenarios: Sequence[Mapping[str, Any]], rule: Mapping[str, Any], scale: int) -> None:
    """One panel per scenario with doses, one line per arm; arguments as `differences_figure`."""
    some = [scenario for scenario in scenarios if scenario["doses"]]
    rows, columns = panel_layout(len(some))
    with figure_file(path, (1.2 + 4.2 * columns, 0.6 + 3.2 * rows)) as figure:
        panels = figure.subplots(rows, columns, squeeze=False, sharey=True).flat
        for axes, scenario in zip(panels, some, strict=False):
            axes.axhspan(-scale * rule["margin"], scale * rule["margin"], color="#F0F0F0", zorder=0)
            axes.axhline(0, color="#404040", linewidth=0.8)
            names = list(dict.fromkeys(row["arm"] for row in scenario["doses"]))
            for number, name in enumerate(names):
                color, marker = look_of(name)
                found = [row for row in scenario["doses"] if row["arm"] == name]
                differences = [row["difference"] for row in found]
                # Side by side: intervals of arms at one size would hide each other.
                at = [row["synthetic_size"] * 1.03 ** (number - len(names) / 2) for row in found]
                axes.errorbar(
                    at,
                    [scale * one["value"] for one in differences],
                    yerr=[[scale * abs(one["value"] - one[end]) for one in differences] for end in ("low", "high")],
                    color=color,
                    marker=marker,
                    linewidth=1.2,
                    elinewidth=0.8,
                    label=found[0]["title"],
                )
            sizes = sorted({row["synthetic_size"] for row in scenario["doses"]})
            axes.set_xscale("log")
            axes.set_xticks(sizes, [str(size) for size in sizes])
            axes.minorticks_off()
            axes.set_xlabel("Synthetic images per class and training fold")
            axes.grid(color=GRID_COLOR, linewidth=0.8)
            axes.set_axisbelow(True)
            axes.set_title(scenario["name"], loc="left")
        for axes in panels:
            axes.set_visible(False)
        unit = ", points" if scale == 100 else ""
        figure.supylabel(f"{rule['metric_title']} minus {rule['baseline_title']}{unit}", fontsize=10)
        figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper right", fontsize=9)
