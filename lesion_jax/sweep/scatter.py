"""A picture of one quantity against several others: a panel each."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.io.figure_file import figure_file

# Values that span more than this factor are drawn on a logarithmic axis.
_LOG_FROM = 20
_COLUMNS = 3


def scatter_figure(path: Path, panels: Mapping[str, tuple[Sequence[Any], np.ndarray]], label: str) -> None:
    """Draws points, and the median of those that share a value.

    Args:
      path: PNG to write.
      panels: Title -> (values, numbers or whatever else, of N points; float [N], what is drawn against them). At
        least one.
      label: Label of the vertical axes.
    """
    rows = math.ceil(len(panels) / _COLUMNS)
    with figure_file(path, (3.4 * min(_COLUMNS, len(panels)), 3.0 * rows)) as figure:
        axes = figure.subplots(rows, min(_COLUMNS, len(panels)), squeeze=False, sharey=True).ravel()
        for panel in axes[len(panels) :]:
            panel.set_visible(False)
        for panel, (title, (values, scores)) in zip(axes, panels.items(), strict=False):
            numeric = all(isinstance(v, int | float) and not isinstance(v, bool) for v in values)
            names = sorted(set(values)) if numeric else list(dict.fromkeys(map(str, values)))
            places = np.array([float(v) if numeric else names.index(str(v)) for v in values])
            panel.plot(places, scores, "o", color="#0072B2", alpha=0.5, markersize=5)
            shared = [at for at in np.unique(places) if (places == at).sum() > 1]
            panel.plot(shared, [np.median(scores[places == at]) for at in shared], "_", color="#000000", markersize=16)
            if numeric and places.min() > 0 and places.max() / places.min() > _LOG_FROM:
                panel.set_xscale("log")
            elif len(names) <= 8:
                panel.set_xticks(names if numeric else range(len(names)), [str(name) for name in names])
            panel.set_xlabel(title)
            panel.grid(axis="y", color="#E4E4E4", linewidth=0.8)
        for panel in axes[:: min(_COLUMNS, len(panels))]:
            panel.set_ylabel(label)
