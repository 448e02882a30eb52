"""The models that arms are trained with: their defaults, and what an arm asks of them."""

import dataclasses
from collections.abc import Mapping

from lesion_jax.config import TrainingConfig, replace
from lesion_jax.errors import ConfigError
from lesion_jax.families import FAMILIES
from lesion_jax.paper.arms import ARMS, Arm


def default_models() -> dict[str, TrainingConfig]:
    """The models of all arms, each as its family's defaults have it: a model is named after its family."""
    names = dict.fromkeys(name for arm in ARMS.values() for name in arm.models)
    return {name: FAMILIES[name].config() for name in names if name in FAMILIES}


def check_arm(arm: Arm, models: Mapping[str, TrainingConfig]) -> None:
    """Refuses an arm that these models cannot do, with a ConfigError."""
    for name in arm.models:
        if name not in models:
            raise ConfigError(
                f"Arm {arm.name!r} needs models.{name}, but models has {', '.join(models)}; add it, or leave the arm "
                "out of arms."
            )
    predictor = models[arm.predictor]
    if FAMILIES[predictor.kind].classify is None:
        raise ConfigError(f"models.{arm.predictor}.kind is {predictor.kind!r}, which cannot classify: {arm.name!r}.")
    if arm.generator is not None and FAMILIES[kind := models[arm.generator].kind].draw is None:
        raise ConfigError(f"models.{arm.generator}.kind is {kind!r}, which draws no images: {arm.name!r}.")
    try:
        changed = replace(predictor, arm.own_changes)
        changed.check()
    except ConfigError as error:
        raise ConfigError(f"Arm {arm.name!r} changes {dict(arm.changes)}: {error}") from error
    if arm.own_changes and changed == predictor:
        raise ConfigError(
            f"Arm {arm.name!r} changes {dict(arm.changes)}, which models.{arm.predictor} has already: it would be the "
            "same training as without; leave the arm out of arms."
        )


def check_alike(models: Mapping[str, TrainingConfig]) -> None:
    """Refuses models that see different images or are spread over different devices, with a ConfigError."""
    for field in ("data.image_size", "data.window", "data.margin", "data.augmentation_seed", "num_devices"):
        values = {name: _get(model, field) for name, model in models.items()}
        if len(set(values.values())) > 1:
            raise ConfigError(f"{field} differs between models ({values}); set it alike for all of them.")


def check_filled_in(models: Mapping[str, TrainingConfig], verb: str) -> None:
    """Refuses data that a protocol fills in for every training, with a ConfigError.

    Args:
      models: Configs of the models.
      verb: What fills them in, for the message.
    """
    for name, model in models.items():
        plain = type(model.data)(**{field: getattr(model.data, field) for field in _FREE_DATA})
        if model.data != plain:
            fields = (field.name for field in dataclasses.fields(plain))
            first = next(field for field in fields if getattr(model.data, field) != getattr(plain, field))
            raise ConfigError(
                f"models.{name}.data.{first} is set, but `{verb}` fills it in for every arm; of data only "
                f"{', '.join(_FREE_DATA)} are yours to set."
            )


_FREE_DATA = ("image_size", "window", "margin", "augmentation_seed", "batch_size", "sampling")


def _get(config: TrainingConfig, field: str) -> object:
    value: object = config
    for part in field.split("."):
        value = getattr(value, part)
    return value
