"""Which images of a bank to train on: labelled as out-of-fold classifiers see them, and neither copies nor outliers.

By a classifier that trained on real images and by distance, as in Xue et al. 2019 (arXiv 1912.03837) and Ye et al. 2020
(arXiv 2008.11331); radiomic features in place of those of a network. Whether it helps is a question for a study: the
same number of images that were not selected is the other arm.
"""

import numpy as np

from lesion_jax.metrics.label_audit import out_of_fold_answers
from lesion_jax.metrics.sample import Sample, standardised

_MIN_PROBABILITY = 0.5
# Percentiles of the distances of real images to the nearest other real image of their class.
_NEAREST, _FARTHEST = 1, 99


def select(bank: Sample, train: Sample, num: int, num_classes: int) -> tuple[np.ndarray, dict[int, float]]:
    """Chooses images of each class of a bank; deterministic.

    An image passes where the classifiers give its label a probability of 0.5 at least, and where its distance to the
    nearest real image of its class is between the 1st and the 99th percentile of what real images of that class have.
    The first that pass are taken; where they are too few, those of the highest probability among the others.

    Args:
      bank: Synthetic images, `num` of each of its classes at least.
      train: Original images of the training patients, of two classes at least.
      num: Images of each class that are wanted.
      num_classes: Number of classes.

    Returns:
      (int64 [num * classes of the bank], sorted by class and then as they were drawn; {label: share of its images that
      pass}).
    """
    probabilities, *_ = out_of_fold_answers(bank, train, None, num_classes)
    own = probabilities[np.arange(len(bank)), bank.labels]
    real, fake = standardised(train.radiomics, bank.radiomics)
    chosen, shares = [], {}
    for label in np.unique(bank.labels).tolist():
        at = np.flatnonzero(bank.labels == label)
        passes = own[at] >= _MIN_PROBABILITY
        same = real[train.labels == label]
        if len(same) > 1:
            among = np.linalg.norm(same[:, None] - same[None], axis=-1)
            np.fill_diagonal(among, np.inf)
            low, high = np.percentile(among.min(1), (_NEAREST, _FARTHEST))
            away = np.linalg.norm(fake[at][:, None] - same[None], axis=-1).min(1)
            passes &= (away >= low) & (away <= high)
        shares[label] = float(passes.mean())
        # A stable sort: what passes stays as it was drawn.
        order = np.lexsort((np.where(passes, 0.0, -own[at]), ~passes))
        chosen.append(np.sort(at[order[:num]]))
    return np.concatenate(chosen), shares
