"""What a reader must know of a run beside its numbers: settings that depart from the defaults, and how it answers."""

import dataclasses
from typing import Any

from lesion_jax.families import FAMILIES
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.protocol import Protocol

# Changes that leave results as they are, or that the protocol makes itself.
_SILENT = frozenset({"num_devices", "log_every", "checkpoint_every", "pictures_every"})


def departures(protocol: Protocol) -> list[dict[str, Any]]:
    """Settings of the models that the arms need which are not the paper's, or not our choice where it is silent.

    Returns:
      [{"setting": "dcgan.width", "value": ours, "default": the paper's or our choice}].
    """
    config, defaults = protocol.config, PaperConfig().models
    found = []
    for name in dict.fromkeys(name for arm in protocol.trainings.arms for name in arm.models):
        ours = config.models[name]
        theirs = defaults.get(name, type(ours)())
        # Of another family than the default one: what differs is the kind.
        pairs = _changed(ours, theirs) if type(ours) is type(theirs) else [("kind", ours.kind, theirs.kind)]
        found += [{"setting": f"{name}.{field}", "value": mine, "default": default} for field, mine, default in pairs]
    return found


def notes_of(protocol: Protocol) -> list[str]:
    """Sentences for the report's notes."""
    notes = []
    if found := departures(protocol):
        notes.append(
            f"Settings that depart from the paper's, or from our choice where it is silent: {'; '.join(_texts(found))}."
        )
    if protocol.config.selection == "inner":
        notes.append(
            "The inner patients of a fold choose three things: the checkpoint, the classic and the synthetic size. So "
            "few choose roughly."
        )
        notes.append(
            "Sizes are nominal, per fold, as the paper counts them. Inner patients leave the training with their share "
            "of the real images, about a quarter, but not of the synthetic ones."
        )
    predictors = [protocol.config.models[arm.predictor] for arm in protocol.trainings.arms]
    if any(model.loop.duration.endswith("epochs") for model in predictors if FAMILIES[model.kind].fit is None):
        notes.append(
            "Trainings last epochs, as in the paper, so an arm with more images takes more steps, which may be part of "
            "its gain. `lesion-jax study` gives all arms the same number."
        )
    for arm in protocol.trainings.arms:
        if protocol.which_answers(arm) != protocol.which:
            notes.append(f"{arm.title} answers with its last checkpoint: the best one was chosen by its images.")
    return notes


def _texts(found: list[dict[str, Any]]) -> list[str]:
    # One text for the models that depart alike.
    alike: dict[tuple[str, str], list[str]] = {}
    for one in found:
        model, field = one["setting"].split(".", 1)
        alike.setdefault((field, f"{one['value']}, by default {one['default']}"), []).append(model)
    return [f"{field} of {', '.join(models)} ({values})" for (field, values), models in alike.items()]


def _changed(ours: Any, theirs: Any, prefix: str = "") -> list[tuple[str, Any, Any]]:
    found = []
    for field in dataclasses.fields(ours):
        mine, default = getattr(ours, field.name), getattr(theirs, field.name)
        if dataclasses.is_dataclass(mine):
            found += _changed(mine, default, f"{prefix}{field.name}.")
        elif mine != default and field.name not in _SILENT:
            found.append((prefix + field.name, mine, default))
    return found
