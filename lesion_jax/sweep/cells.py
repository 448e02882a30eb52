"""The cells of a sweep: a function of its config alone."""

import dataclasses
import itertools
import json
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from lesion_jax.config import TrainingConfig, to_dict
from lesion_jax.config.dotted import dotted
from lesion_jax.config.fields import names_where
from lesion_jax.errors import ConfigError
from lesion_jax.families import training_config
from lesion_jax.sweep.config import SweepConfig

# Each has a directory, and all of them are expanded before the first is trained.
_MOST_CELLS = 100_000


@dataclasses.dataclass(frozen=True)
class Cell:
    """One training of a sweep.

    Attributes:
      index: Position among all cells.
      changes: Varied field -> value.
      config: Config of the cell; its data are checked later.
    """

    index: int
    changes: dict[str, Any]
    config: TrainingConfig


def expand(sweep: SweepConfig) -> list[Cell]:
    """All cells, in a fixed order: the grid's last field varies fastest, then zip, random and cells.

    Raises:
      ConfigError: A field that is unknown, or varied in two of them; an impossible or a repeated cell, by number.
    """
    num = math.prod(len(values) for _, values in sweep.grid) * max((len(values) for _, values in sweep.zip), default=1)
    num *= (sweep.num_random if sweep.random else 1) * max(len(sweep.cells), 1)
    if num > _MOST_CELLS:
        raise ConfigError(f"The sweep has {num} cells, of grid x zip x random x cells; {_MOST_CELLS} are the most.")
    parts = [combinations(sweep.grid), _zip(sweep), _random(sweep), [dict(cell) for cell in sweep.cells] or [{}]]
    names = [{name for row in part for name in row} for part in parts]
    for one, other in itertools.combinations(names, 2):
        if twice := one & other:
            raise ConfigError(f"{min(twice)} is varied twice, in two of grid, zip, random and cells; name it in one.")
    cells, seen = [], {}
    for index, rows in enumerate(itertools.product(*parts)):
        changes = {name: value for row in rows for name, value in row.items()}
        try:
            config = varied(sweep.base, changes)
        except ConfigError as error:
            raise ConfigError(f"Cell {index} ({changes}): {error}") from error
        text = json.dumps(to_dict(config), sort_keys=True)
        if text in seen:
            raise ConfigError(f"Cells {seen[text]} and {index} are the same training ({changes}); vary something else.")
        seen[text] = index
        cells.append(Cell(index, changes, config))
    return cells


def dataset_of(cells: Sequence[Cell]) -> str:
    """The dataset of all cells.

    Raises:
      ConfigError: There are several, or one is not named.
    """
    datasets = sorted({cell.config.data.dataset for cell in cells})
    if len(datasets) > 1 or not datasets[0]:
        raise ConfigError(
            f"The cells name the datasets {datasets}; a sweep has one: set base.data.dataset (data.dataset of a single "
            "training) to a directory written by `lesion-jax build`."
        )
    return datasets[0]


def combinations(grid: Sequence[tuple[str, Sequence[Any]]]) -> list[dict[str, Any]]:
    """Every combination of (field, values), the last field fastest; a single empty one of no field."""
    fields = [field for field, _ in grid]
    return [dict(zip(fields, row, strict=True)) for row in itertools.product(*(values for _, values in grid))]


def varied(base: TrainingConfig, changes: Mapping[str, Any]) -> Any:
    """A config with some fields changed, checked.

    Args:
      base: The config.
      changes: Dotted field -> value; a whole number will do for a float.

    Raises:
      ConfigError: A field that is unknown or cannot differ between trainings of a sweep, or an impossible value.
    """
    values, fixed = to_dict(base), names_where(base, lambda setting: not setting.is_varied)
    for name, value in changes.items():
        if name in fixed:
            raise ConfigError(
                f"{name} cannot be varied: it changes nothing in a sweep, whose trainings have a device each."
            )
        *path, last = name.split(".")
        at: Any = values
        for part in path:
            at = at.get(part) if isinstance(at, Mapping) else None
        if not isinstance(at, dict) or last not in at or isinstance(at[last], dict):
            raise ConfigError(f"{name} cannot be varied: a {base.kind} config has no such field.")
        at[last] = value
    return training_config(values)


def _zip(sweep: SweepConfig) -> list[dict[str, Any]]:
    if not sweep.zip:
        return [{}]
    rows = zip(*(values for _, values in sweep.zip), strict=True)
    return [dict(zip((field for field, _ in sweep.zip), row, strict=True)) for row in rows]


def _random(sweep: SweepConfig) -> list[dict[str, Any]]:
    if not sweep.random:
        return [{}]

    def drawn(number: int, field: str, form: str, *bounds: Any) -> Any:
        # One generator per draw and field: a draw does not change when another field or more draws are added.
        source = random.Random(f"{sweep.random_seed} {number} {field}")
        if form == "choice":
            return source.choice(bounds[0])
        low, high = bounds
        if form == "log_uniform":
            return math.exp(source.uniform(math.log(low), math.log(high)))
        # By the field, not by how its bounds are written.
        is_whole = isinstance(base.get(field), int) and isinstance(low, int) and isinstance(high, int)
        return source.randint(low, high) if is_whole else source.uniform(low, high)

    base = dotted(to_dict(sweep.base))
    return [{draw[0]: drawn(number, *draw) for draw in sweep.random} for number in range(sweep.num_random)]
