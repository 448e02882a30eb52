"""Settings: frozen dataclasses inside, ConfigDict and JSON at the door."""

from lesion_jax.config.load import Config, from_mapping, to_config_dict, to_dict
from lesion_jax.config.schema import ClassifierConfig, DataConfig, GanConfig, LoopConfig, PaperConfig

__all__ = [
    "ClassifierConfig",
    "Config",
    "DataConfig",
    "GanConfig",
    "LoopConfig",
    "PaperConfig",
    "from_mapping",
    "to_config_dict",
    "to_dict",
]
