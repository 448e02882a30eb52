"""A sweep of more: which cells of a changed config are those that a directory holds already, and which are new.

A directory's cells keep their numbers for ever; what is new is numbered after them.
"""

import functools
import json
from collections.abc import Callable, Sequence
from typing import Any

from lesion_jax.config import TrainingConfig, to_dict
from lesion_jax.config.dotted import dotted
from lesion_jax.config.fields import names_where
from lesion_jax.errors import RunError
from lesion_jax.sweep.cells import Cell

_DURATION = "loop.duration"


def order_after(before: Sequence[Cell], cells: Sequence[Cell]) -> list[int] | None:
    """The order in which the cells of a changed config follow those that there are.

    A cell is one that there is if they differ in nothing but what a run may be continued with, such as its length. What
    cells vary tells them apart in any case.

    Args:
      before: Cells that there are, by number.
      cells: Cells of the changed config, in its order.

    Returns:
      Position in `cells` of each cell, by number; None where `missing` finds some.
    """
    there, here = _keys(before, cells)
    position = {key: i for i, key in enumerate(here)}
    if any(key not in position for key in there):
        return None
    known = [position[key] for key in there]
    taken = set(known)
    return [*known, *(i for i in range(len(cells)) if i not in taken)]


def missing(before: Sequence[Cell], cells: Sequence[Cell]) -> list[Cell]:
    """Those cells that there are and that a changed config no longer has; see `order_after`."""
    there, here = _keys(before, cells)
    held = set(here)
    return [cell for cell, key in zip(before, there, strict=True) if key not in held]


def longer(before: Sequence[Cell], cells: Sequence[Cell], num_steps: Callable[[TrainingConfig], int]) -> list[int]:
    """Numbers of the cells that a changed config trains for longer.

    Args:
      before: Cells that there are, by number.
      cells: The same ones as they shall be, and more.
      num_steps: Steps of a whole training.

    Raises:
      RunError: One would be trained for less.
    """
    found = []
    for old, new in zip(before, cells, strict=False):
        if old.config.loop.duration == new.config.loop.duration:
            continue
        steps, wanted = num_steps(old.config), num_steps(new.config)
        if wanted < steps:
            raise RunError(
                f"Cell {new.index} ({new.changes}) is of {steps} steps, but loop.duration now means {wanted}; a sweep "
                "can be made longer, never shorter."
            )
        found.append(new.index)
    return found


def _keys(*groups: Sequence[Cell]) -> list[list[str]]:
    varied = {name for cells in groups for cell in cells for name in cell.changes}

    @functools.cache
    def free(kind: type[TrainingConfig]) -> frozenset[str]:
        return names_where(kind, lambda setting: setting.is_free) - varied

    def key(config: TrainingConfig) -> str:
        left_out = free(type(config)) - ({_DURATION} if config.depends_on_length else frozenset[str]())
        fields: dict[str, Any] = dotted(to_dict(config))
        return json.dumps({name: value for name, value in fields.items() if name not in left_out}, sort_keys=True)

    return [[key(cell.config) for cell in cells] for cells in groups]
