"""Recombine: two training lesions of one class, of two patients, in one.

Each is cropped to the same size in the image, turned and flipped in its own way. A smooth random mask, of which either
lesion has one half, mixes them inside a disc of 1.15 radii; the tissue around is the first one's. Their diameters
differ by a factor of 1.5 at most, where the class has such a pair, so that neither is stretched much. Which second one,
and how it is turned, `seam` chooses; its rim takes the level of the first one's tissue.
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
from lesion_jax.errors import ConfigError
from lesion_jax.families.base import Family
from lesion_jax.families.blending import MASK_RADIUS, View, classic_view, crop, feather, insert, polar
from lesion_jax.families.context import Context, composed, seeds_of
from lesion_jax.families.seam import Fit, Surroundings

MAX_RATIO = 1.5
# Random numbers along each side of the mask; the fewer, the larger the parts of either lesion.
_CELLS = 4
# Steepness of the mask: parts are mostly of one lesion, since a mean of two has half the noise power.
_STEEPNESS = 8.0


@dataclasses.dataclass(frozen=True)
class RecombineConfig(TrainingConfig):
    """Two training lesions of a class, of two patients, in one; nothing is learned."""

    kind: Literal["recombine"] = compiled("recombine", doc="Always 'recombine'.")


@dataclasses.dataclass(frozen=True, eq=False)
class _Plan:
    first: View
    second: Fit
    seed: int


def _partners(lesion: Lesion, own: list[Lesion]) -> list[Lesion]:
    """The lesions of the class that it can be mixed with: of other patients, of about its size or the nearest to it."""
    ratio = {
        other.lesion_id: abs(math.log(other.diameter_mm / lesion.diameter_mm))
        for other in own
        if other.patient != lesion.patient
    }
    limit = max(math.log(MAX_RATIO), min(ratio.values(), default=0.0))
    return [other for other in own if ratio.get(other.lesion_id, math.inf) <= limit]


def _choose(context: Context, keys: jax.Array, labels: np.ndarray) -> list[_Plan]:
    pairs = {}
    for label in np.unique(labels).tolist():
        own = context.of_label(label)
        pairs[label] = [(lesion, partners) for lesion in own if (partners := _partners(lesion, own))]
    plans, surroundings = [], Surroundings()
    for seed, label in zip(seeds_of(keys), labels.tolist(), strict=True):
        lesion, partners = pairs[label][int(draws.uniform("recombine", seed, count=1)[0] * len(pairs[label]))]
        view = classic_view(context, lesion, seed)
        plans.append(_Plan(view, surroundings.best(view, partners, seed), seed))
    return plans


def _mask(size: int, inside: np.ndarray, seed: int) -> np.ndarray:
    """A smooth random mask of which half of the pixels inside are above 0.5: float64 [H, H] in [0, 1]."""
    from scipy import ndimage
    from scipy.special import expit

    cells = 2 * draws.uniform("recombine", seed, "mask", count=_CELLS * _CELLS).reshape(_CELLS, _CELLS) - 1
    grid = np.linspace(0, _CELLS - 1, size)
    field = ndimage.map_coordinates(cells, np.meshgrid(grid, grid, indexing="ij"), order=3, mode="nearest")
    return expit(_STEEPNESS * (field - np.median(field[inside])))


def _image_of(context: Context, plan: _Plan) -> np.ndarray:
    fit, (away, direction) = plan.second, polar(context, plan.first)
    share = _mask(context.image_size, away < MASK_RADIUS, plan.seed)
    inside, around = crop(context, fit.view), crop(context, plan.first)
    edge, soft = fit.edge_at(direction), feather(context, plan.first, fit.view)
    return insert(inside, around, away, edge, feather=soft, level=-fit.level, share=share)


def _check(config: RecombineConfig, dataset: LesionSet, lesions: Sequence[Lesion]) -> None:
    context = Context.of(lesions, config, dataset.unit)
    for label in sorted({lesion.label for lesion in lesions}):
        if len({lesion.patient for lesion in context.of_label(label)}) < 2:
            raise ConfigError(
                f"kind is 'recombine', but all training lesions of {dataset.class_names[label]} (test fold "
                f"{config.data.fold}) are of one patient; add patients, or leave this generator out."
            )


RECOMBINE = Family(
    name="recombine",
    title="Recombine",
    stream="recombine",
    config=RecombineConfig,
    check=_check,
    **composed(_choose, _image_of, lambda plan: ([plan.first.lesion, plan.second.view.lesion], plan.first.lesion)),
)
