"""Figure of calibration: how often the most probable class is right, against how probable it was said to be."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lesion_jax.io.figure_file import figure_file
from lesion_jax.metrics.estimates import NUM_BINS
from lesion_jax.metrics.runs import Runs
from lesion_jax.paper.report.look import GRID_COLOR, look_of, title_of


def calibration_points(runs: Runs) -> list[tuple[float, float, int]]:
    """(mean confidence, share that is right, predictions) of each bin that holds some, over all retrainings."""
    confidence = runs.probabilities.max(-1).ravel()
    right = (runs.probabilities.argmax(-1) == runs.labels).ravel()
    bins = np.clip(np.ceil(confidence * NUM_BINS).astype(int) - 1, 0, NUM_BINS - 1)
    return [
        (float(confidence[bins == i].mean()), float(right[bins == i].mean()), int((bins == i).sum()))
        for i in np.unique(bins)
    ]


def calibration_figure(path: Path, runs: Mapping[str, Runs]) -> None:
    """One line per arm.

    Args:
      path: PNG to write.
      runs: Predictions by arm.
    """
    with figure_file(path, (5.4, 4.2)) as figure:
        axes = figure.subplots()
        axes.plot([0, 1], [0, 1], color="#9A9A9A", linewidth=0.8)
        for name, some in runs.items():
            color, marker = look_of(name)
            said, right, _ = zip(*calibration_points(some), strict=True)
            axes.plot(said, right, color=color, marker=marker, label=title_of(name))
        axes.set_xlabel("Probability of the most probable class")
        axes.set_ylabel("Share that is right")
        axes.set_xlim(1 / next(iter(runs.values())).probabilities.shape[-1] - 0.02, 1.02)
        axes.set_ylim(0, 1.02)
        axes.grid(color=GRID_COLOR, linewidth=0.8)
        axes.set_axisbelow(True)
        figure.legend(loc="outside right upper", fontsize=9)
