"""More classic images: the placebo of generators.

A bank of further classic augmentation (`data.augment`) of the training lesions: what an arm gains by it, it gains by
more images or more steps, not by new ones.
"""

import dataclasses
from typing import Literal

import jax
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import compiled
from lesion_jax.core.types import Lesion
from lesion_jax.data import draws
from lesion_jax.data.augment import Variants, draw_variants, resample
from lesion_jax.families.base import Family
from lesion_jax.families.context import Context, composed, seeds_of


@dataclasses.dataclass(frozen=True)
class MoreClassicConfig(TrainingConfig):
    """Further classic augmentation of the training lesions; nothing is learned."""

    kind: Literal["more_classic"] = compiled("more_classic", doc="Always 'more_classic'.")


# (lesion, seed of its variant).
_Plan = tuple[Lesion, int]


def _choose(context: Context, keys: jax.Array, labels: np.ndarray) -> list[_Plan]:
    own = {int(label): context.of_label(label) for label in np.unique(labels)}
    return [
        (own[label][int(draws.uniform("more_classic", seed, count=1)[0] * len(own[label]))], seed)
        for seed, label in zip(seeds_of(keys), labels.tolist(), strict=True)
    ]


def _image_of(context: Context, plan: _Plan) -> np.ndarray:
    lesion, seed = plan
    # A seed above those of configs: rotations, shifts and crops that no classic image of any run has.
    drawn = draw_variants(lesion, seed)
    one = Variants(drawn.angle[:1], drawn.flip[:1], drawn.shift[:1], drawn.extra[:1])
    return resample(lesion, one, context.image_size, context.margin)[0]


MORE_CLASSIC = Family(
    name="more_classic",
    title="More classic",
    stream="more_classic",
    config=MoreClassicConfig,
    **composed(_choose, _image_of, lambda plan: ([plan[0]], plan[0])),
)
