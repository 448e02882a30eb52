"""Fewer training lesions: so many of each class, for learning curves, rare classes and repeated cohorts."""

from collections.abc import Sequence

import numpy as np

from lesion_jax.core.types import Lesion
from lesion_jax.data import draws
from lesion_jax.errors import ConfigError


def take_patients(
    lesions: Sequence[Lesion], per_class: Sequence[int], class_names: Sequence[str], seed: int
) -> tuple[Lesion, ...]:
    """Takes patient after patient, in a random order, until every class has its number of lesions.

    Lesions of a patient that are too many for their class are left out, so that the numbers are exact.

    Args:
      lesions: Those of all training patients.
      per_class: Lesions of each class, one number for all or one per class.
      class_names: Names of the classes.
      seed: Which patients.

    Returns:
      The lesions that were taken, in their order.

    Raises:
      ConfigError: Another number of numbers than of classes, or a class without enough lesions.
    """
    if len(per_class) not in (1, len(class_names)):
        raise ConfigError(
            f"data.per_class is {tuple(per_class)}; give one number, or one for each of {', '.join(class_names)}."
        )
    left = np.resize(np.asarray(per_class), len(class_names))
    there = np.bincount([lesion.label for lesion in lesions], minlength=len(class_names))
    for name, found, wanted in zip(class_names, there.tolist(), left.tolist(), strict=True):
        if found < wanted:
            raise ConfigError(
                f"data.per_class asks for {wanted} training lesions of {name}, but there are {found}; ask for fewer."
            )
    patients = sorted({lesion.patient for lesion in lesions})
    place = dict(zip(patients, np.argsort(draws.permutation("subset", seed, count=len(patients))), strict=True))
    taken = set()
    for lesion in sorted(lesions, key=lambda lesion: place[lesion.patient]):
        if left[lesion.label]:
            left[lesion.label] -= 1
            taken.add(lesion.lesion_id)
    return tuple(lesion for lesion in lesions if lesion.lesion_id in taken)
