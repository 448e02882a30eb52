"""Recipes: settings of what answers that every arm tries alike, on inner patients, before arms are compared.

An arm that is tuned more than its baseline gains by the tuning: Brigato et al. (arXiv 2108.13122) found that a tuned
baseline beats all but one of eight methods for small data. So every arm tries as many, and all take the one that is
best on average over arms. Were each to take its own best, two equal arms would differ by what a few inner lesions
happened to say, in all cohorts alike, and no interval would hold that.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import check_ranges, host
from lesion_jax.errors import ConfigError
from lesion_jax.paper.arms import Arm
from lesion_jax.sweep.cells import combinations, varied

Recipe = dict[str, Any]


@dataclasses.dataclass(frozen=True)
class TuningConfig:
    """Which recipes are tried, and on how much."""

    grid: Mapping[str, tuple[tuple[str, tuple[Any, ...]], ...]] = host(
        make=dict,
        doc="(field, values) ... by the name of a model that answers, as in models; every combination is a recipe. "
        "Empty: models are taken as they are.",
    )
    num_settings: int = host(
        3,
        above=0,
        doc="Settings (a cohort and a seed) of each scenario and partition that recipes are tried on: the first ones. "
        "Their inner patients are pooled.",
    )

    def recipes(self, model: str) -> list[Recipe]:
        """The recipes of a model, none where it is taken as it is."""
        return combinations(self.grid[model]) if self.grid.get(model) else []

    def check(self, arms: Mapping[str, tuple[Arm, TrainingConfig]]) -> None:
        """Refuses recipes that cannot be, with a ConfigError.

        Args:
          arms: Name -> an arm of the study, and the config of what answers for it.
        """
        check_ranges(dataclasses.replace(self, grid={}), "tuning.")
        known = list(dict.fromkeys(arm.predictor for arm, _ in arms.values()))
        for model, fields in self.grid.items():
            if model not in known:
                raise ConfigError(f"tuning.grid has {model!r}; models that answer are {', '.join(known)}.")
            _check_fields(model, fields)
        counts = {model: len(self.recipes(model)) for model in self.grid}
        if len(set(counts.values())) > 1:
            raise ConfigError(
                f"tuning.grid makes {counts} recipes; try as many of every model, or none is a fair peer."
            )
        for arm, config in arms.values():
            self._check_arm(arm, config)

    def _check_arm(self, arm: Arm, config: TrainingConfig) -> None:
        for recipe in self.recipes(arm.predictor):
            if twice := recipe.keys() & (arm.changes.keys() | arm.mixing.keys()):
                raise ConfigError(
                    f"tuning.grid tries {min(twice)}, but arm {arm.name!r} is what sets it; leave one of the two out."
                )
            try:
                varied(config, recipe)
            except ConfigError as error:
                raise ConfigError(f"tuning.grid, arm {arm.name!r}, {recipe}: {error}") from error


def _check_fields(model: str, fields: tuple[tuple[str, tuple[Any, ...]], ...]) -> None:
    names = [name for name, _ in fields]
    if len(set(names)) < len(names):
        raise ConfigError(f"tuning.grid.{model} names a field twice ({', '.join(names)}); name each once.")
    for name, values in fields:
        if "." in name or name in ("kind", "seed"):
            raise ConfigError(
                f"tuning.grid.{model} has {name}, which a study sets alike for every arm; a recipe is of the model's "
                "own settings, such as learning_rate."
            )
        if not values or len(set(values)) < len(values):
            raise ConfigError(f"tuning.grid.{model}.{name} is {values}; name at least one value, each once.")
