"""More classic images: the placebo of generators.

A bank of further classic augmentation (`data.augment`) of the training lesions: what an arm gains by it, it gains by
more images or more steps, not by new ones.
"""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import jax
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import compiled
from lesion_jax.core.types import Lesion
from lesion_jax.data import draws
from lesion_jax.data.augment import Variants, draw_variants, resample
from lesion_jax.data.origins import Origins
from lesion_jax.families.base import Arrays, Family
from lesion_jax.families.context import Context, images_of, seeds_of


@dataclasses.dataclass(frozen=True)
class MoreClassicConfig(TrainingConfig):
    """Further classic augmentation of the training lesions; nothing is learned."""

    kind: Literal["more_classic"] = compiled("more_classic", doc="Always 'more_classic'.")


def _choose(context: Context, seeds: Sequence[int], labels: np.ndarray) -> list[Lesion]:
    own = {int(label): context.of_label(label) for label in np.unique(labels)}
    return [
        own[label][int(draws.uniform("more_classic", seed, count=1)[0] * len(own[label]))]
        for seed, label in zip(seeds, labels.tolist(), strict=True)
    ]


def _draw(
    config: MoreClassicConfig,
    num_classes: int,
    arrays: Arrays,
    keys: jax.Array,
    labels: np.ndarray,
    context: Context | None,
) -> np.ndarray:
    del config, num_classes, arrays
    assert context is not None
    seeds = seeds_of(keys)
    # A seed above those of configs: rotations, shifts and crops that no classic image of any run has.
    plans = list(zip(_choose(context, seeds, labels), seeds, strict=True))

    def image_of(plan: tuple[Lesion, int]) -> np.ndarray:
        lesion, seed = plan
        drawn = draw_variants(lesion, seed)
        one = Variants(drawn.angle[:1], drawn.flip[:1], drawn.shift[:1], drawn.extra[:1])
        return resample(lesion, one, context.image_size, context.margin)[0]

    return images_of(plans, image_of, context.image_size)


def _origins(
    config: MoreClassicConfig,
    num_classes: int,
    arrays: Arrays,
    keys: jax.Array,
    labels: np.ndarray,
    context: Context,
) -> Origins:
    del config, num_classes, arrays
    chosen = _choose(context, seeds_of(keys), labels)
    return Origins.of([[lesion] for lesion in chosen], chosen)


MORE_CLASSIC = Family(
    name="more_classic",
    title="More classic",
    stream="more_classic",
    config=MoreClassicConfig,
    draw=_draw,
    origins=_origins,
    fit=lambda config, images: {},
)
