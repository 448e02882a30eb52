"""Settings: frozen dataclasses inside, ConfigDict and JSON at the door.

Config files import every class of configs from here: those of each family, such as `ClassifierConfig`, and
`SweepConfig`, `PaperConfig`, `StudyConfig` with their parts.
"""

import importlib
from typing import Any

from lesion_jax.config.load import from_mapping, to_config_dict, to_dict
from lesion_jax.config.training import DataConfig, LoopConfig, TrainingConfig, replace

__all__ = ["DataConfig", "LoopConfig", "TrainingConfig", "from_mapping", "replace", "to_config_dict", "to_dict"]
_ABOVE = ("families", "sweep.config", "paper.config", "study.config")


def __getattr__(name: str) -> Any:
    # Families and verbs lie above this layer: they are imported where somebody names one, and by nobody below.
    for module in _ABOVE if name.endswith("Config") else ():
        if (found := getattr(importlib.import_module(f"lesion_jax.{module}"), name, None)) is not None:
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
