"""Figure of the confusion matrices."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.io.figure_file import figure_file
from lesion_jax.paper.report.look import panel_layout


def confusion_figure(path: Path, arms: Sequence[Mapping[str, Any]], class_names: Sequence[str]) -> None:
    """Confusion matrices of the arms: lesions (mean over seeds) and share of the true class.

    Args:
      path: PNG to write.
      arms: {title, confusion: [C][C] rows true, summed over retrainings, per_seed_accuracy: one for each}.
      class_names: C.
    """
    rows, columns = panel_layout(len(arms))
    with figure_file(path, (0.9 + 2.7 * columns, 0.4 + 2.6 * rows)) as figure:
        panels = figure.subplots(rows, columns, squeeze=False)
        for axes, arm in zip(panels.flat, arms, strict=False):
            counts = np.asarray(arm["confusion"]) / len(arm["per_seed_accuracy"])
            shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-9)
            axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
            for (row, column), share in np.ndenumerate(shares):
                count = f"{counts[row, column]:.1f}".removesuffix(".0")
                color = "white" if share > 0.6 else "black"
                axes.text(column, row, f"{count}\n{100 * share:.0f} %", ha="center", va="center", color=color)
            axes.set_title(arm["title"])
            axes.set_xticks(range(len(class_names)), class_names, rotation=20, ha="right", rotation_mode="anchor")
            axes.set_yticks(range(len(class_names)), class_names if axes in panels[:, 0] else [])
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
        for axes in panels.flat[len(arms) :]:
            axes.set_axis_off()
        figure.supxlabel("Predicted", fontsize=10)
        figure.supylabel("True", fontsize=10)
