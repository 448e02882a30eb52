"""Classifier two-sample test: can a classifier tell synthetic images from real ones that it did not see?

Lopez-Paz and Oquab 2017 (arXiv 1610.06545), with logistic regression on radiomic features, cross-validated by patient.
"""

from typing import Any

import numpy as np

from lesion_jax.metrics.sample import Sample
from lesion_jax.metrics.transfer import fit_probabilities

_NUM_FOLDS = 5


def two_sample_test(
    fake: np.ndarray, real: np.ndarray, fake_patients: np.ndarray, real_patients: np.ndarray
) -> tuple[float, float]:
    """How well a classifier tells two sets of images apart.

    Args:
      fake: float [N, F], features; of 5 patients at least.
      real: float [M, F]; of 5 patients at least.
      fake_patients: int [N], equal for images that must lie on the same side of a fold.
      real_patients: int [M], likewise; they have nothing to do with those of the synthetic images.

    Returns:
      (balanced accuracy on images left out, 0.5 where nothing tells them apart and 1 where everything does; p, one
      sided, of accuracy in a binomial model with as many trials as there are patients, which takes what the source
      calls the asymptotic distribution, 1/2 and 1/(4 n), for the images of one patient together).
    """
    from scipy import special
    from sklearn.model_selection import StratifiedGroupKFold

    x = np.concatenate([fake, real])
    is_fake = np.repeat([1, 0], [len(fake), len(real)])
    groups = np.concatenate([fake_patients - fake_patients.min(), real_patients - real_patients.min()])
    groups[: len(fake)] += groups.max() + 1
    right = np.zeros(len(x))
    for train, test in StratifiedGroupKFold(_NUM_FOLDS, shuffle=True, random_state=0).split(x, is_fake, groups):
        (answers,) = fit_probabilities(x[train], is_fake[train], x[test], num_classes=2)
        right[test] = answers.argmax(1) == is_fake[test]
    sides = [right[is_fake == side] for side in (1, 0)]
    accuracy = float(np.mean([side.mean() for side in sides]))
    num = 4 / sum(1 / len(np.unique(patients)) for patients in (fake_patients, real_patients))
    return accuracy, float(special.ndtr(-(accuracy - 0.5) * 2 * np.sqrt(num)))


def score_two_sample(fake: Sample, real: Sample) -> dict[str, Any] | None:
    """Classifier two-sample test on radiomic features; for arguments see `images.GeneratorMetric`.

    Returns:
      {"value": accuracy, "p": its p}; None for images of fewer than 10 patients on a side.
    """
    if min(len(np.unique(sample.patients)) for sample in (fake, real)) < 2 * _NUM_FOLDS:
        return None
    value, p = two_sample_test(fake.radiomics, real.radiomics, fake.patients, real.patients)
    return {"value": value, "p": p}
