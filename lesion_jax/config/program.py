"""Which configs one compiled program trains: those that differ in traced and host settings alone.

And that switch on the same parts of a step, see `fields.Setting.off`.
"""

import json

from lesion_jax.config.fields import parts_of, settings_of
from lesion_jax.config.training import TrainingConfig


def program_key(config: TrainingConfig) -> str:
    """Text that is equal for configs that one compiled program trains."""
    fixed = {name: value for name, setting, value in settings_of(config) if setting.role == "compiled"}
    return json.dumps([fixed, parts_of(config)], sort_keys=True)
