"""Oracle: fresh lesions of the phantom, of patients that are in no dataset. The ceiling of any generator.

What no generator can exceed that learns from the training patients is an equal number of real lesions of others. For
the phantom there are as many as one wants; for real data there is no oracle. Where two scanners took the training
images, each takes half of the fresh ones, whatever their classes: a class that is confounded with a scanner is so no
more.
"""

import dataclasses
import json
from collections.abc import Sequence
from typing import Literal

import jax
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import compiled
from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.data.augment import original
from lesion_jax.data.training_images import TrainingImages
from lesion_jax.errors import ConfigError
from lesion_jax.families.base import Arrays, Family
from lesion_jax.families.context import Context, images_of, seeds_of
from lesion_jax.sources.phantom.options import Phantom


@dataclasses.dataclass(frozen=True)
class OracleConfig(TrainingConfig):
    """Fresh lesions of the phantom that the dataset is of; nothing is learned."""

    kind: Literal["oracle"] = compiled("oracle", doc="Always 'oracle'.")


def _check(config: OracleConfig, dataset: LesionSet, lesions: Sequence[Lesion]) -> None:
    del lesions
    if dataset.phantom is None:
        raise ConfigError(
            f"kind is 'oracle', which draws fresh lesions of the phantom, but {config.data.dataset} is no phantom's: "
            "there is no oracle for real images. Leave this generator out."
        )
    Phantom.of_record(dataset.phantom)


def _fit(config: OracleConfig, images: TrainingImages) -> Arrays:
    """The phantom's class of each label, since a dataset may have another order, and what it is drawn with."""
    # Late: the phantom needs scipy, half a second of the start of a process that trains something else.
    from lesion_jax.sources.phantom.lesions import CLASS_NAMES

    del config
    record = json.dumps([one.record() for one in Phantom.all_of_record(images.provenance["phantom"])], sort_keys=True)
    return {
        "classes": np.array([CLASS_NAMES.index(name) for name in images.class_names], np.int32),
        # A checkpoint holds arrays alone.
        "phantoms": np.frombuffer(record.encode(), np.uint8),
    }


def _draw(
    config: OracleConfig,
    num_classes: int,
    arrays: Arrays,
    keys: jax.Array,
    labels: np.ndarray,
    context: Context | None,
) -> np.ndarray:
    """Image i is the original crop of one lesion of a patient of its own."""
    from threadpoolctl import threadpool_limits

    from lesion_jax.sources.phantom.rois import render_fresh

    del num_classes, context
    data, classes = config.data, np.asarray(arrays["classes"])
    phantoms = [Phantom.of_record(one) for one in json.loads(np.asarray(arrays["phantoms"]).tobytes())]

    def image_of(plan: tuple[int, int]) -> np.ndarray:
        lesion = render_fresh(*plan, phantom=phantoms[plan[1] % len(phantoms)])
        return original(lesion, data.image_size, data.margin)

    with threadpool_limits(1, user_api="blas"):
        return images_of(list(zip(classes[labels].tolist(), seeds_of(keys), strict=True)), image_of, data.image_size)


ORACLE = Family(
    name="oracle",
    title="Oracle",
    stream="oracle",
    config=OracleConfig,
    draw=_draw,
    check=_check,
    fit=_fit,
)
