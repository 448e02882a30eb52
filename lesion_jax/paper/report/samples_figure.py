"""Figure of real beside synthetic images."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.io.figure_file import figure_file
from lesion_jax.io.pictures import grid


def samples_figure(
    path: Path,
    blocks: Sequence[tuple[str, Mapping[str, np.ndarray]]],
    class_names: Sequence[str],
    window: tuple[float, float],
    *,
    num_columns: int = 4,
    num_rows: int = 2,
) -> None:
    """Real beside synthetic images: one block of columns per source, one band of rows per class.

    Args:
      path: PNG to write.
      blocks: (title, {class name: int16 [N, H, H]}), real first. The first images of each are shown.
      class_names: Order of the bands; one that a block lacks stays empty there.
      window: Range (low, high) that is shown, in the images' unit.
      num_columns: Images of a block side by side.
      num_rows: Images of a class above each other.
    """
    size = (0.5 + 0.62 * num_columns * len(blocks), 0.3 + 0.68 * num_rows * len(class_names))
    with figure_file(path, size) as figure:
        panels = figure.subplots(len(class_names), len(blocks), squeeze=False)
        for row, name in enumerate(class_names):
            for column, (title, images) in enumerate(blocks):
                axes = panels[row, column]
                shown = images.get(name, np.zeros((0, 1, 1), np.int16))[: num_columns * num_rows]
                if len(shown):
                    axes.imshow(grid(shown, window, num_columns=num_columns), cmap="gray", vmin=0, vmax=255)
                axes.set_xticks([])
                axes.set_yticks([])
                axes.spines[:].set_visible(False)
                if row == 0:
                    axes.set_title(title)
                if column == 0:
                    axes.set_ylabel(name)
