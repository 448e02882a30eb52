"""The report's figures as PNG files: one look, one colour per arm in all of them.

Colours are Okabe and Ito's, which stay apart for colour-blind readers; arms also differ by marker.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter
from matplotlib.transforms import ScaledTranslation

from lesion_jax.io.figure_file import figure_file
from lesion_jax.io.pictures import grid

ARM_COLORS = {
    "none": "#7F7F7F",
    "classic": "#000000",
    "dcgan": "#0072B2",
    "acgan": "#D55E00",
    "acgan_discriminator": "#CC79A7",
}
ARM_MARKERS = {"none": "v", "classic": "o", "dcgan": "s", "acgan": "^", "acgan_discriminator": "D"}
ARM_TITLES = {
    "none": "No augmentation",
    "classic": "Classic",
    "dcgan": "Classic + DCGAN",
    "acgan": "Classic + ACGAN",
    "acgan_discriminator": "ACGAN discriminator",
}
_PAPER_COLOR = "#9A9A9A"
_CLASS_COLORS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7")
_CLASS_MARKERS = ("o", "s", "^", "D", "v", "P")


def accuracy_figure(
    path: Path,
    classic: Sequence[Mapping[str, Any]],
    synthetic: Sequence[Mapping[str, Any]],
    paper: Mapping[str, Any] | None = None,
) -> None:
    """Accuracy against the number of training images, classic and synthetic on one axis (the paper's figure).

    Args:
      path: PNG to write.
      classic: Points {size, total, accuracy, low, high}: total is images per fold as the paper counts
        them, the rest shares in [0, 1]. At least one.
      synthetic: Points {arm, size, total, accuracy, low, high}: total counts the classic images too.
      paper: {classic_curve, synthetic_curve} as in `paper.reference`, drawn faint; None for none.
    """
    arms: list[str] = list(dict.fromkeys(point["arm"] for point in synthetic))
    reach = max(1.0, *(point["total"] for point in [*classic, *synthetic]))
    with figure_file(path, (7.2, 4.6)) as figure:
        axes = figure.subplots()
        # The paper's sizes crowd at the left: equal steps of the square root keep 500 and 1000 apart.
        axes.set_xscale("function", functions=(_signed_root, _signed_square))
        if paper:
            _paper_points(axes, paper, reach)
        _points(axes, classic, "classic", "Classic", 0.0, "-")
        for number, arm in enumerate(arms):
            points = [point for point in synthetic if point["arm"] == arm]
            # Bars of two arms at one total would hide each other: a shift of a few points on paper.
            _points(axes, points, arm, ARM_TITLES.get(arm, arm), 3.0 * (number + 0.5 - len(arms) / 2), "--")
        axes.set_xlim(_signed_square(-0.04 * np.sqrt(reach)), _signed_square(1.04 * np.sqrt(reach)))
        # Shifted artists take no part in autoscaling.
        axes.set_ylim(_padded([*classic, *synthetic], axes.get_ylim() if paper else None))
        _ticks(axes, [point["total"] for point in [*classic, *synthetic]], reach)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("Accuracy on the test folds")
        axes.set_xlabel("Training images per fold, classic and synthetic together (square-root scale)")
        axes.grid(axis="y", color="#E4E4E4", linewidth=0.8)
        axes.set_axisbelow(True)
        # Below the axes, where no curve can run into it.
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=3, handlelength=2.6)


def arms_figure(path: Path, arms: Sequence[Mapping[str, Any]], paper: Mapping[str, Any] | None = None) -> None:
    """Accuracy of each arm with its 95 % interval, seeds as ticks, the paper's value below it.

    Args:
      path: PNG to write.
      arms: {name, title, accuracy: {value, low, high}, per_seed_accuracy: [S]}, drawn from top to bottom.
      paper: {arms: [{name, accuracy: {value, low, high}}]}; None for none.
    """
    printed = {arm["name"]: arm["accuracy"] for arm in paper["arms"]} if paper else {}
    with figure_file(path, (7.2, 0.9 + 0.62 * len(arms))) as figure:
        axes = figure.subplots()
        for row, arm in enumerate(arms):
            color, marker = ARM_COLORS.get(arm["name"], "#000000"), ARM_MARKERS.get(arm["name"], "o")
            own = arm["accuracy"]
            axes.plot([own["low"], own["high"]], [row, row], color=color, linewidth=2)
            axes.plot(own["value"], row, marker=marker, color=color, markersize=8)
            if len(arm["per_seed_accuracy"]) > 1:
                axes.plot(arm["per_seed_accuracy"], [row] * len(arm["per_seed_accuracy"]), "|", color=color, ms=11)
            if theirs := printed.get(arm["name"]):
                label = "paper, another data set" if row == min(_rows(arms, printed)) else None
                axes.plot([theirs["low"], theirs["high"]], [row + 0.28] * 2, color=_PAPER_COLOR, linewidth=1)
                axes.plot(theirs["value"], row + 0.28, "o", mfc="white", color=_PAPER_COLOR, ms=5, label=label)
        axes.set_yticks(range(len(arms)), [arm["title"] for arm in arms])
        axes.set_ylim(len(arms) - 0.4, -0.5)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_xlabel("Accuracy on the test folds, with 95 % Wilson interval over lesions")
        axes.grid(axis="x", color="#E4E4E4", linewidth=0.8)
        axes.set_axisbelow(True)
        if printed:
            figure.legend(loc="outside lower right", fontsize=9)


def confusion_figure(path: Path, arms: Sequence[Mapping[str, Any]], class_names: Sequence[str]) -> None:
    """Confusion matrices of the arms: lesions (mean over seeds) and share of the true class.

    Args:
      path: PNG to write.
      arms: {title, confusion: [C][C] rows true, summed over seeds, seeds: [S]}.
      class_names: C.
    """
    rows, columns = _layout(len(arms))
    with figure_file(path, (0.9 + 2.7 * columns, 0.4 + 2.6 * rows)) as figure:
        panels = figure.subplots(rows, columns, squeeze=False)
        for axes, arm in zip(panels.flat, arms, strict=False):
            counts = np.asarray(arm["confusion"]) / len(arm["seeds"])
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
      blocks: (title, {class name: int16 HU [N, H, H]}), real first. The first images of each are shown.
      class_names: Order of the bands; one that a block lacks stays empty there.
      window: (low, high) in HU.
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


def embedding_figure(
    path: Path, panels: Sequence[tuple[str, np.ndarray, np.ndarray]], class_names: Sequence[str]
) -> None:
    """t-SNE of last-layer features, one panel per network.

    Args:
      path: PNG to write.
      panels: (title, float [N, 2], int labels [N]).
      class_names: One per label.
    """
    rows, columns = _layout(len(panels))
    with figure_file(path, (0.3 + 2.9 * columns, 0.5 + 2.9 * rows)) as figure:
        grid_of_axes = figure.subplots(rows, columns, squeeze=False)
        for axes, (title, points, labels) in zip(grid_of_axes.flat, panels, strict=False):
            for label in range(len(class_names)):
                own = points[labels == label]
                look = label % len(_CLASS_COLORS)
                axes.scatter(own[:, 0], own[:, 1], s=22, c=_CLASS_COLORS[look], marker=_CLASS_MARKERS[look], alpha=0.75)
            axes.set_title(title)
            axes.set_xticks([])
            axes.set_yticks([])
            axes.spines[:].set_visible(True)
            axes.spines[:].set_color("#BBBBBB")
        for axes in grid_of_axes.flat[len(panels) :]:
            axes.set_axis_off()
        handles = grid_of_axes.flat[0].collections
        figure.legend(handles, class_names, loc="outside lower center", ncols=len(class_names))


def _points(axes: Axes, points: Sequence[Mapping[str, Any]], arm: str, label: str, shift: float, line: str) -> None:
    """One arm's points with their intervals, joined; shift is in points (1/72 inch) to the right."""
    points = sorted(points, key=lambda point: point["total"])
    value = np.array([point["accuracy"] for point in points])
    low, high = (np.array([point[side] for point in points]) for side in ("low", "high"))
    figure = axes.figure
    axes.errorbar(
        [point["total"] for point in points],
        value,
        # A hair below zero by rounding would be refused.
        yerr=np.maximum([value - low, high - value], 0),
        color=ARM_COLORS.get(arm, "#000000"),
        marker=ARM_MARKERS.get(arm, "o"),
        linestyle=line,
        linewidth=1.4,
        markersize=5.5,
        elinewidth=1.0,
        capsize=2.5,
        label=label,
        transform=axes.transData + ScaledTranslation(shift / 72, 0, figure.dpi_scale_trans),
    )


def _paper_points(axes: Axes, paper: Mapping[str, Any], reach: float) -> None:
    """The paper's two curves as far as ours reach, faint and without intervals."""
    for curve, marker, line, label in (
        ("classic_curve", "o", "-", "Paper: classic (another data set)"),
        ("synthetic_curve", "s", "--", "Paper: + DCGAN (another data set)"),
    ):
        points = [point for point in paper[curve] if point["total"] <= reach]
        if points:
            axes.plot(
                [point["total"] for point in points],
                [point["accuracy"] for point in points],
                color=_PAPER_COLOR,
                alpha=0.6,
                marker=marker,
                markerfacecolor="white",
                markersize=4,
                linewidth=1,
                linestyle=line,
                label=label,
                zorder=1,
            )


def _padded(points: Sequence[Mapping[str, Any]], also: tuple[float, float] | None) -> tuple[float, float]:
    """Limits of the accuracy axis that hold every interval, and what is drawn already."""
    low = min(point["low"] for point in points)
    high = max(point["high"] for point in points)
    if also:
        low, high = min(low, also[0]), max(high, also[1])
    return low - 0.02, min(1.02, high + 0.02)


def _signed_root(x: np.ndarray) -> np.ndarray:
    """The square root, continued to the left of 0 so that a point at 0 keeps a margin."""
    return np.sign(x) * np.sqrt(np.abs(x))


def _signed_square(x: Any) -> Any:
    """Inverse of `_signed_root`."""
    return np.sign(x) * np.square(x)


def _ticks(axes: Axes, totals: Sequence[float], reach: float) -> None:
    """Ticks at our own sizes, without those that would touch the one before."""
    kept: list[float] = []
    for total in sorted(set(totals)):
        if not kept or np.sqrt(total) - np.sqrt(kept[-1]) > 0.095 * np.sqrt(reach):
            kept.append(total)
    axes.set_xticks(kept)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.minorticks_off()


def _layout(num: int) -> tuple[int, int]:
    """(rows, columns) of a set of panels: one row up to three, nearly square beyond."""
    columns = num if num <= 3 else math.ceil(math.sqrt(num))
    return math.ceil(num / columns), columns


def _rows(arms: Sequence[Mapping[str, Any]], printed: Mapping[str, Any]) -> list[int]:
    """Rows of the arms that the paper has too."""
    return [row for row, arm in enumerate(arms) if arm["name"] in printed]
