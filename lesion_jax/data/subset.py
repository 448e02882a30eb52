"""Fewer training patients: so many lesions of each class, for learning curves, rare classes and repeated cohorts."""

from collections.abc import Sequence

import numpy as np

from lesion_jax.core.types import Lesion
from lesion_jax.data import draws
from lesion_jax.errors import ConfigError


def take_patients(
    lesions: Sequence[Lesion], per_class: Sequence[int], class_names: Sequence[str], seed: int
) -> tuple[Lesion, ...]:
    """Whole patients, drawn at random, with at most so many lesions of each class.

    A patient who would exceed a number is passed over, so patients with fewer lesions are a little more likely.

    Args:
      lesions: Those of all training patients.
      per_class: Most lesions of each class, one number for all or one per class.
      class_names: Names of the classes.
      seed: Which patients.

    Returns:
      The lesions of the patients that were taken, in their order.

    Raises:
      ConfigError: Another number of numbers than of classes, or a class without enough lesions.
    """
    if len(per_class) not in (1, len(class_names)):
        raise ConfigError(
            f"data.per_class is {tuple(per_class)}; give one number, or one for each of {', '.join(class_names)}."
        )
    most = np.resize(np.asarray(per_class), len(class_names))
    counts = {lesion.patient: np.zeros(len(class_names), int) for lesion in lesions}
    for lesion in lesions:
        counts[lesion.patient][lesion.label] += 1
    patients = sorted(counts)
    taken, total = set(), np.zeros(len(class_names), int)
    for i in draws.permutation("subset", seed, count=len(patients)):
        if np.all(total + counts[patients[i]] <= most):
            total += counts[patients[i]]
            taken.add(patients[i])
    # Patients with several lesions may leave a gap of a few.
    for name, found, wanted in zip(class_names, total.tolist(), most.tolist(), strict=True):
        if found < 0.9 * wanted:
            raise ConfigError(
                f"data.per_class asks for {wanted} training lesions of {name}, but whole patients give {found}; ask "
                "for fewer."
            )
    return tuple(lesion for lesion in lesions if lesion.patient in taken)
