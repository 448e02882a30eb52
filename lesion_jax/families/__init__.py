"""What can be trained: each family in a file of its own, and one table of them."""

from collections.abc import Mapping
from typing import Any

from lesion_jax.config import TrainingConfig, from_mapping
from lesion_jax.families.acgan import ACGAN, AcganConfig
from lesion_jax.families.base import Family
from lesion_jax.families.bovw import BOVW, BovwConfig
from lesion_jax.families.classifier import CLASSIFIER
from lesion_jax.families.classifier_config import ClassifierConfig
from lesion_jax.families.dcgan import DCGAN, DcganConfig
from lesion_jax.families.inpaint import INPAINT, InpaintConfig
from lesion_jax.families.more_classic import MORE_CLASSIC, MoreClassicConfig
from lesion_jax.families.oracle import ORACLE, OracleConfig
from lesion_jax.families.paste import PASTE, PasteConfig
from lesion_jax.families.recombine import RECOMBINE, RecombineConfig
from lesion_jax.families.rpgan import RPGAN, RpganConfig

__all__ = [
    "FAMILIES",
    "AcganConfig",
    "BovwConfig",
    "ClassifierConfig",
    "DcganConfig",
    "Family",
    "InpaintConfig",
    "MoreClassicConfig",
    "OracleConfig",
    "PasteConfig",
    "RecombineConfig",
    "RpganConfig",
    "config_kinds",
    "family_of",
    "training_config",
]

FAMILIES: dict[str, Family] = {
    family.name: family
    for family in (CLASSIFIER, DCGAN, ACGAN, RPGAN, INPAINT, BOVW, MORE_CLASSIC, PASTE, RECOMBINE, ORACLE)
}


def family_of(config: TrainingConfig) -> Family:
    """The family that a config is of."""
    return FAMILIES[config.kind]


def config_kinds() -> dict[str, type]:
    """Class of the configs of each family, by kind."""
    return {name: family.config for name, family in FAMILIES.items()}


def training_config(values: Mapping[str, Any]) -> TrainingConfig:
    """A training's config from plain values.

    Args:
      values: Nested, such as a run's config.json; "kind" names the family.

    Raises:
      ConfigError: A field is unknown, of the wrong type, or contradicts another.
    """
    return from_mapping(values, config_kinds())
