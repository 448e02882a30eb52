"""Figure of last-layer features."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from lesion_jax.io.figure_file import figure_file
from lesion_jax.paper.report.look import CLASS_COLORS, CLASS_MARKERS, panel_layout


def embedding_figure(
    path: Path, panels: Sequence[tuple[str, np.ndarray, np.ndarray]], class_names: Sequence[str]
) -> None:
    """t-SNE of last-layer features, one panel per network.

    Args:
      path: PNG to write.
      panels: (title, float [N, 2], int labels [N]).
      class_names: One per label.
    """
    rows, columns = panel_layout(len(panels))
    with figure_file(path, (0.3 + 2.9 * columns, 0.5 + 2.9 * rows)) as figure:
        grid_of_axes = figure.subplots(rows, columns, squeeze=False)
        for axes, (title, points, labels) in zip(grid_of_axes.flat, panels, strict=False):
            for label in range(len(class_names)):
                own = points[labels == label]
                look = label % len(CLASS_COLORS)
                axes.scatter(own[:, 0], own[:, 1], s=22, c=CLASS_COLORS[look], marker=CLASS_MARKERS[look], alpha=0.75)
            axes.set_title(title)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(True)
            axes.spines[:].set_color("#BBBBBB")
        for axes in grid_of_axes.flat[len(panels) :]:
            axes.set_axis_off()
        handles = grid_of_axes.flat[0].collections
        figure.legend(handles, class_names, loc="outside lower center", ncols=len(class_names))
