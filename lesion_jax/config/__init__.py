"""Settings: frozen dataclasses inside, ConfigDict and JSON at the door."""

from lesion_jax.config.load import Config, from_mapping, to_config_dict, to_dict
from lesion_jax.config.schema import (
    ClassifierConfig,
    DataConfig,
    GanConfig,
    HalvingConfig,
    LoopConfig,
    PaperConfig,
    SweepConfig,
)

__all__ = [
    "ClassifierConfig",
    "Config",
    "DataConfig",
    "GanConfig",
    "HalvingConfig",
    "LoopConfig",
    "PaperConfig",
    "SweepConfig",
    "from_mapping",
    "to_config_dict",
    "to_dict",
]
