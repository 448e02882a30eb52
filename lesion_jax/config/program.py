"""Which configs one compiled program trains: those that differ in traced and host settings alone."""

import json

from lesion_jax.config.fields import settings_of
from lesion_jax.config.training import TrainingConfig


def program_key(config: TrainingConfig) -> str:
    """Text that is equal for configs that one compiled program trains."""
    fixed = {name: value for name, setting, value in settings_of(config) if setting.role == "compiled"}
    return json.dumps(fixed, sort_keys=True)
