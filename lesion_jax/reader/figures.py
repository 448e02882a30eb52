"""Pictures of a reader study: accuracies with intervals, confusion matrices, and the images that fooled readers."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from lesion_jax.io.figure_file import figure_file
from lesion_jax.reader.key import SOURCES, Key
from lesion_jax.reader.score import SUBSETS

# Okabe and Ito's colours, which stay apart for colour-blind readers; markers differ too.
_LOOKS = {"all": ("#000000", "o"), "real": ("#0072B2", "s"), "synthetic": ("#D55E00", "^")}
_QUESTIONS = {"source": "Real or synthetic", "class": "Which class"}
_TITLES = {"real": "Real images, taken for synthetic", "synthetic": "Synthetic images, taken for real"}
_NUM_COLUMNS, _NUM_ROWS = 10, 3


def accuracy_figure(path: Path, scores: Mapping[str, Any]) -> None:
    """Accuracy of each reader with its interval, beside one answer to all images.

    Args:
      path: PNG to write.
      scores: See `score.score_readers`.
    """
    readers = scores["readers"]
    asked = [what for what in _QUESTIONS if readers[0][what]]
    with figure_file(path, (1.2 + 3.6 * len(asked), 1.9 + 0.75 * len(readers))) as figure:
        panels = figure.subplots(1, len(asked), squeeze=False, sharey=True)[0]
        for axes, what in zip(panels, asked, strict=True):
            for row, one in enumerate(readers):
                for number, subset in enumerate(SUBSETS):
                    _interval(axes, row + 0.22 * (number - 1), one[what]["total"][subset], subset, labelled=row == 0)
            axes.set_title(_QUESTIONS[what])
            # Markers at the ends are whole.
            axes.set_xlim(-3, 103)
            axes.set_xlabel("Right, %")
            axes.set_yticks(range(len(readers)), [one["reader"] for one in readers])
        # Labels are shared: turning one panel turns all.
        panels[0].set_ylim(len(readers) - 0.5, -0.5)
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2 * len(asked))


def _interval(axes: Axes, height: float, share: Mapping[str, Any] | None, subset: str, *, labelled: bool) -> None:
    if share is None:
        return
    color, marker = _LOOKS[subset]
    value, low, high = (100 * share[name] for name in ("value", "low", "high"))
    error = [[value - low], [high - value]]
    label = f"{subset} images" if labelled else None
    axes.errorbar(value, height, xerr=error, color=color, marker=marker, markersize=5, capsize=2, label=label)
    if share["majority"] is not None:
        label = "one answer to all" if labelled and subset == "all" else None
        ends = (height - 0.11, height + 0.11)
        axes.plot([100 * share["majority"]] * 2, ends, color="#9A9A9A", linewidth=3, zorder=0, label=label)


def confusion_figure(path: Path, scores: Mapping[str, Any]) -> None:
    """Confusion matrices: one row per reader.

    Args:
      path: PNG to write.
      scores: See `score.score_readers`.
    """
    readers, names = scores["readers"], scores["class_names"]
    num_columns = 3 if readers[0]["class"] else 1
    side = 1.5 + 0.5 * len(names)
    with figure_file(path, (0.8 + side * num_columns, 0.4 + side * len(readers))) as figure:
        panels = figure.subplots(len(readers), num_columns, squeeze=False)
        for row, one in zip(panels, readers, strict=True):
            _matrix(row[0], one["source"]["confusion"]["all"], SOURCES, f"{one['reader']}:\nreal or synthetic")
            for axes, source in zip(row[1:], SOURCES, strict=False):
                title = f"{one['reader']}:\nclass of {source} images"
                _matrix(axes, one["class"]["confusion"][source], names, title)
        figure.supxlabel("Said", fontsize=10)
        figure.supylabel("True", fontsize=10)


def _matrix(axes: Axes, counts: Sequence[Sequence[int]], names: Sequence[str], title: str) -> None:
    cells = np.asarray(counts)
    shares = cells / np.maximum(cells.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), share in np.ndenumerate(shares):
        color = "white" if share > 0.6 else "black"
        axes.text(column, row, f"{cells[row, column]}", ha="center", va="center", color=color)
    axes.set_title(title)
    axes.set_xticks(range(len(names)), names, rotation=20, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def fooled_figure(path: Path, key: Key, fooled: Mapping[str, Sequence[tuple[int, int, int]]]) -> None:
    """The images whose source most readers got wrong, with their class and "wrong/answered".

    Args:
      path: PNG to write.
      key: The truth.
      fooled: See `score.fooled`.
    """
    blocks = {source: fooled[source][: _NUM_COLUMNS * _NUM_ROWS] for source in reversed(SOURCES)}
    rows = [max(1, -(-len(some) // _NUM_COLUMNS)) for some in blocks.values()]
    with figure_file(path, (1.05 * _NUM_COLUMNS, 0.4 * len(rows) + 1.35 * sum(rows))) as figure:
        heights = [0.3 + height for height in rows]
        parts = figure.subfigures(len(rows), 1, squeeze=False, height_ratios=heights).ravel()
        for part, height, (source, some) in zip(parts, rows, blocks.items(), strict=True):
            more = len(fooled[source]) - len(some)
            part.suptitle(_TITLES[source] + (f" (and {more} more)" if more else "" if some else ": none"), fontsize=10)
            panels = part.subplots(height, _NUM_COLUMNS, squeeze=False).ravel()
            for axes in panels:
                axes.set_axis_off()
            for axes, (image, wrong, answered) in zip(panels, some, strict=False):
                axes.imshow(key.pixels[image], cmap="gray", vmin=0, vmax=255, interpolation="bilinear")
                axes.set_title(f"{key.class_names[key.labels[image]]}\n{wrong}/{answered}", fontsize=8)
