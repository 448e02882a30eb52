"""Figures as PNG files: one look for all of them."""

import contextlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.figure import Figure

from lesion_jax.disk.atomic import write_bytes

_STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "savefig.dpi": 150,
    # A dollar in the name of a class or a reader is a dollar.
    "text.parse_math": False,
}


@contextlib.contextmanager
def figure_file(path: Path, size: tuple[float, float]) -> Iterator[Figure]:
    """A figure that is written as PNG at the end; no display and no global state of pyplot is touched."""
    with matplotlib.rc_context(_STYLE):
        # Figure without pyplot draws with Agg: nothing to close, nothing that needs a screen.
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        drawn = io.BytesIO()
        # Without the version in it, the same results give the same bytes.
        figure.savefig(drawn, format="png", metadata={"Software": None})
    write_bytes(path, drawn.getvalue())
