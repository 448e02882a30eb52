"""Colours, markers and panels that the report's figures share: an arm looks the same in all of them."""

import math

from lesion_jax.paper.arms import ARMS

PAPER_COLOR = "#9A9A9A"
GRID_COLOR = "#E4E4E4"
# Okabe and Ito's colours, which stay apart for colour-blind readers; classes also differ by marker.
CLASS_COLORS = ("#0072B2", "#D55E00", "#009E73", "#E69F00", "#56B4E9", "#CC79A7")
CLASS_MARKERS = ("o", "s", "^", "D", "v", "P")


def look_of(arm: str) -> tuple[str, str]:
    """(colour, marker) of an arm; black dots for one that the table no longer has."""
    return (ARMS[arm].color, ARMS[arm].marker) if arm in ARMS else ("#000000", "o")


def title_of(arm: str) -> str:
    """What figures and tables call an arm."""
    return ARMS[arm].title if arm in ARMS else arm


def panel_layout(num: int) -> tuple[int, int]:
    """(rows, columns) of a set of panels: one row up to three, nearly square beyond."""
    columns = num if num <= 3 else math.ceil(math.sqrt(num))
    return math.ceil(num / columns), columns
