"""Figure of accuracy against the number of training images (the paper's figure)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, PercentFormatter
from matplotlib.transforms import ScaledTranslation

from lesion_jax.io.figure_file import figure_file
from lesion_jax.paper.arms import BASELINE
from lesion_jax.paper.report.look import GRID_COLOR, PAPER_COLOR, look_of, title_of


def accuracy_figure(
    path: Path,
    classic: Sequence[Mapping[str, Any]],
    synthetic: Sequence[Mapping[str, Any]],
    paper: Mapping[str, Any] | None = None,
) -> None:
    """Accuracy against the number of training images, classic and synthetic on one axis (the paper's figure).

    Args:
      path: PNG to write.
      classic: Points {arm, size, total, accuracy, low, high} without synthetic images: total is images per fold as the
        paper counts them, the rest shares in [0, 1]. At least one.
      synthetic: Points {arm, size, total, accuracy, low, high}: total counts the classic images too.
      paper: {classic_curve, synthetic_curve} as in `paper.reference`, drawn faint; None for none.
    """
    curves = [(points, "-") for points in _by_arm(classic)] + [(points, "--") for points in _by_arm(synthetic)]
    # The baseline stays where it is. Bars of other arms at one total would hide each other: each is shifted a little.
    shifted = [points[0]["arm"] for points, _ in curves if points[0]["arm"] != BASELINE]
    shifts = {arm: 3.0 * (number + 0.5 - len(shifted) / 2) for number, arm in enumerate(shifted)}
    reach = max(1.0, *(point["total"] for point in [*classic, *synthetic]))
    with figure_file(path, (7.2, 4.6)) as figure:
        axes = figure.subplots()
        # The paper's sizes crowd at the left: equal steps of the square root keep 500 and 1000 apart.
        axes.set_xscale("function", functions=(_signed_root, _signed_square))
        if paper:
            _paper_points(axes, paper, reach)
        for points, line in curves:
            _points(axes, points, shifts.get(points[0]["arm"], 0.0), line)
        axes.set_xlim(_signed_square(-0.04 * np.sqrt(reach)), _signed_square(1.04 * np.sqrt(reach)))
        # Shifted artists take no part in autoscaling.
        axes.set_ylim(_padded([*classic, *synthetic], axes.get_ylim() if paper else None))
        _ticks(axes, [point["total"] for point in [*classic, *synthetic]], reach)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylabel("Accuracy on the test folds")
        axes.set_xlabel("Training images per fold, classic and synthetic together (square-root scale)")
        axes.grid(axis="y", color=GRID_COLOR, linewidth=0.8)
        axes.set_axisbelow(True)
        # Below the axes, where no curve can run into it. Three columns of long names would be wider than the figure.
        figure.legend(loc="outside lower center", ncols=2, handlelength=2.6)


def _by_arm(points: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    arms: dict[str, list[Mapping[str, Any]]] = {}
    for point in points:
        arms.setdefault(point["arm"], []).append(point)
    return list(arms.values())


def _points(axes: Axes, points: Sequence[Mapping[str, Any]], shift: float, line: str) -> None:
    """One arm's points with their intervals, joined; shift is in points (1/72 inch) to the right."""
    points = sorted(points, key=lambda point: point["total"])
    color, marker = look_of(points[0]["arm"])
    value = np.array([point["accuracy"] for point in points])
    low, high = (np.array([point[side] for point in points]) for side in ("low", "high"))
    axes.errorbar(
        [point["total"] for point in points],
        value,
        # A hair below zero by rounding would be refused.
        yerr=np.maximum([value - low, high - value], 0),
        color=color,
        marker=marker,
        linestyle=line,
        linewidth=1.4,
        markersize=5.5,
        elinewidth=1.0,
        capsize=2.5,
        label=title_of(points[0]["arm"]),
        transform=axes.transData + ScaledTranslation(shift / 72, 0, axes.figure.dpi_scale_trans),
    )


def _paper_points(axes: Axes, paper: Mapping[str, Any], reach: float) -> None:
    """The paper's two curves as far as ours reach, faint and without intervals."""
    for curve, line in (("classic_curve", "-"), ("synthetic_curve", "--")):
        points = [point for point in paper[curve] if point["total"] <= reach]
        if points:
            axes.plot(
                [point["total"] for point in points],
                [point["accuracy"] for point in points],
                color=PAPER_COLOR,
                alpha=0.6,
                marker=look_of(points[0]["arm"])[1],
                markerfacecolor="white",
                markersize=4,
                linewidth=1,
                linestyle=line,
                label=f"Paper: {title_of(points[0]['arm'])} (another data set)",
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
