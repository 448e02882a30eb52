"""Which configs one compiled program trains."""

import json
from collections.abc import Mapping
from typing import Any

from lesion_jax.config.load import to_dict
from lesion_jax.config.schema import ClassifierConfig, GanConfig

# Fields that are arrays in the state, choose images, or concern the host: cells that differ in them share a program.
# Whatever else differs is compiled in.
TRACED = frozenset(
    {
        "seed",
        "num_devices",
        "batch_norm",
        "learning_rate",
        "momentum",
        "beta1",
        "beta2",
        "label_smoothing",
        "class_weight",
        "ema_decay",
        "generator_every",
        "discriminator_every",
        "on_collapse",
        "data.fold",
        "data.hold_out_inner",
        "data.label",
        "data.margin",
        "data.classic_size",
        "data.augmentation_seed",
        "data.banks",
        "data.synthetic_size",
        "data.synthetic_share",
        "data.feed",
    }
)


def program_key(config: ClassifierConfig | GanConfig) -> str:
    """Text that is equal for configs that one compiled program trains."""

    def fixed(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
        return {
            name: fixed(value, f"{prefix}{name}.") if isinstance(value, Mapping) else value
            for name, value in values.items()
            if f"{prefix}{name}" not in TRACED and f"{prefix}{name}" != "loop"
        }

    return json.dumps(fixed(to_dict(config), ""), sort_keys=True)
