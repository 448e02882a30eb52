"""Paste: a training lesion in another training patient's tissue (as TumorCP, MICCAI 2021, copies tumours).

The lesion, a disc of 1.15 radii with an edge that fades over 2 pixels, replaces that patient's own lesion. Sizes in mm
are kept: the tissue is cropped as wide as the pasted lesion's own image is. So the other lesion must not be larger, or
it would look out behind, and its patch must hold the crop: with the default margin it has 0.6 to 1 of the diameter.
Which tissue, and how it is turned, `seam` chooses; the pasted lesion's rim takes its level.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Literal

import jax
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import compiled
from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.data import draws
from lesion_jax.data.augment import MAX_SHIFT_PX, MAX_SHIFT_SHARE
from lesion_jax.errors import ConfigError
from lesion_jax.families.base import Family
from lesion_jax.families.blending import View, classic_view, crop, feather, insert, polar
from lesion_jax.families.context import Context, composed, seeds_of
from lesion_jax.families.seam import Fit, Surroundings, reach_mm


@dataclasses.dataclass(frozen=True)
class PasteConfig(TrainingConfig):
    """Training lesions in other training patients' tissue; nothing is learned."""

    kind: Literal["paste"] = compiled("paste", doc="Always 'paste'.")


@dataclasses.dataclass(frozen=True, eq=False)
class _Plan:
    lesion: View
    tissue: Fit


def _places(context: Context, lesion: Lesion) -> list[Lesion]:
    """The lesions of other patients whose place it can take, as if they were as large: the same mm per pixel."""
    pixel_mm = math.sqrt(lesion.spacing_mm[0] * lesion.spacing_mm[1])
    shift_mm = min(MAX_SHIFT_PX * pixel_mm, MAX_SHIFT_SHARE * lesion.diameter_mm)
    # From the centre to the corner of the crop, whatever the rotation.
    needed = math.sqrt(2) * (lesion.diameter_mm * (0.5 + context.margin) + shift_mm)
    return [
        dataclasses.replace(other, diameter_mm=lesion.diameter_mm)
        for other in context.lesions
        if other.patient != lesion.patient and other.diameter_mm <= lesion.diameter_mm and reach_mm(other) >= needed
    ]


def _choose(context: Context, keys: jax.Array, labels: np.ndarray) -> list[_Plan]:
    pairs = {}
    for label in np.unique(labels).tolist():
        with_places = [(lesion, _places(context, lesion)) for lesion in context.of_label(label)]
        pairs[label] = [(lesion, places) for lesion, places in with_places if places]
    plans, surroundings = [], Surroundings()
    for seed, label in zip(seeds_of(keys), labels.tolist(), strict=True):
        lesion, places = pairs[label][int(draws.uniform("paste", seed, count=1)[0] * len(pairs[label]))]
        view = classic_view(context, lesion, seed)
        plans.append(_Plan(view, surroundings.best(view, places, seed)))
    return plans


def _image_of(context: Context, plan: _Plan) -> np.ndarray:
    fit, (away, direction) = plan.tissue, polar(context, plan.lesion)
    inside, around = crop(context, plan.lesion), crop(context, fit.view)
    edge, soft = fit.edge_at(direction), feather(context, plan.lesion, fit.view)
    return insert(inside, around, away, edge, feather=soft, level=fit.level)


def _check(config: PasteConfig, dataset: LesionSet, lesions: Sequence[Lesion]) -> None:
    context = Context.of(lesions, config, dataset.unit)
    for label in sorted({lesion.label for lesion in lesions}):
        if not any(_places(context, lesion) for lesion in context.of_label(label)):
            raise ConfigError(
                f"kind is 'paste', but no training lesion of {dataset.class_names[label]} (test fold "
                f"{config.data.fold}) can take another patient's lesion's place: that one must not be larger, and its "
                "patch must hold the crop. Choose a smaller data.margin, or leave this generator out."
            )


PASTE = Family(
    name="paste",
    title="Paste",
    stream="paste",
    config=PasteConfig,
    check=_check,
    **composed(_choose, _image_of, lambda plan: ([plan.lesion.lesion], plan.tissue.view.lesion)),
)
