"""Settings: frozen dataclasses inside, ConfigDict and JSON at the door."""

from lesion_jax.config.load import from_mapping, to_config_dict, to_dict
from lesion_jax.config.training import DataConfig, LoopConfig, TrainingConfig, replace

__all__ = ["DataConfig", "LoopConfig", "TrainingConfig", "from_mapping", "replace", "to_config_dict", "to_dict"]
