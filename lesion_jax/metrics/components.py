"""What a paired difference varies by: patients, retraining, and the two together.

Retrainings and patients are crossed, as readers and cases are in a multi-reader multi-case study, and the variance is
taken apart as there (Gallas et al. 2009; Hillis 2014), with pseudovalues in which the metric is a mean over patients.
In cross-validation each fold has networks of its own, and a retraining shifts all lesions of a fold at once.
"""

import dataclasses
from collections.abc import Sequence

import numpy as np

# From this number of groups on, the spread of their totals is trusted; below, that of their folds, which are more.
# Totals allow for what the folds of a retraining have in common, but the interval of two or three is useless.
ENOUGH_GROUPS = 4


@dataclasses.dataclass(frozen=True)
class Components:
    """Variances of a paired difference, in its unit squared; None where the study cannot tell.

    With P patients, G groups and S seeds in each the variance of the mean is patients/P + groups/G + seeds/(G S) +
    residual/(P G S). A group is a cohort of training patients or a partition into folds; with one, groups/G is
    left out: the result holds for that cohort or partition.

    Attributes:
      patients: Of one patient's difference over all retrainings.
      residual: Of one patient in one retraining, beyond both.
      seeds: Of a retraining on the same patients.
      groups: Of a cohort or partition, beyond its retrainings.
    """

    patients: float
    residual: float
    seeds: float | None = None
    groups: float | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class Decomposition:
    """Variance of the mean of pseudovalues [G, P].

    Attributes:
      mean: The mean: groups count alike.
      patients: Variance of the mean over patients, retrainings held fixed.
      retraining: Variance of the mean over groups of retrainings, patients held fixed; None with one group.
      both: What the two count twice.
      folds: With one group and folds: variance of the mean of its folds, patients and retraining together.
      retraining_df: Degrees of freedom of `retraining`, or of `folds`.
      components: For planning.
    """

    mean: float
    patients: float
    retraining: float | None
    both: float
    folds: float | None
    retraining_df: int
    components: Components

    @property
    def knows_retraining(self) -> bool:
        """Whether it says anything of what retraining does: not by a single retraining of a test set."""
        return self.retraining is not None or self.folds is not None


def retraining_df(num_groups: int, num_folds: int) -> int:
    """Degrees of freedom of the retraining's variance; num_folds is 1 for an independent test set."""
    if num_groups == 1:
        return num_folds - 1
    return (num_groups - 1) * (1 if num_groups >= ENOUGH_GROUPS else num_folds)


def pseudovalues(value: np.ndarray, influence: np.ndarray, patient: np.ndarray) -> np.ndarray:
    """float64 [U, P] whose mean over patients is `value`, and whose spread is that of the patients.

    Args:
      value: float [U].
      influence: float [U, N].
      patient: int [N], in [0, P).
    """
    order = np.argsort(patient, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(patient[order]) > 0])
    return len(starts) * np.add.reduceat(influence[:, order], starts, axis=1) + value[:, None]


def decompose(pseudo: np.ndarray, group: Sequence[int] | np.ndarray, folds: np.ndarray | None) -> Decomposition:
    """Takes the variance of the mean apart.

    Args:
      pseudo: float [U, P].
      group: int [U], cohort, partition or seed; retrainings of one group are seeds within it.
      folds: int [G, P], fold of each patient in each group, in the order of sorted group numbers; None for a test set.
    """
    groups, member = np.unique(np.asarray(group), return_inverse=True)
    table = np.stack([pseudo[member == g].mean(0) for g in range(len(groups))])
    num_groups, num_patients = table.shape
    mean = table.mean()
    by_patient = table.mean(0)
    patients = float(np.square(by_patient - mean).sum()) / (num_patients * (num_patients - 1))
    if num_groups == 1:
        shift = None if folds is None else _fold_variance(table[0] - mean, folds[0])
        df = 0 if folds is None else retraining_df(1, int(folds.max()) + 1)
        within = None if shift is None else max(0.0, shift - patients)
        return Decomposition(
            float(mean), patients, None, 0.0, shift, df, Components(patients * num_patients, 0.0, within)
        )
    deviation = table - by_patient
    both = float(np.square(deviation - deviation.mean(1, keepdims=True)).sum())
    both /= (num_groups - 1) * (num_patients - 1) * num_groups * num_patients
    if folds is not None and num_groups < ENOUGH_GROUPS:
        num_folds = int(folds.max()) + 1
        retraining = _group_variance(deviation, folds, both)
    else:
        num_folds = 1
        retraining = float(np.square(deviation.mean(1)).sum()) / (num_groups * (num_groups - 1))
    components = _components(pseudo, member, patients, retraining, both, num_groups)
    df = retraining_df(num_groups, num_folds)
    return Decomposition(float(mean), patients, retraining, both, None, df, components)


def _fold_variance(deviation: np.ndarray, folds: np.ndarray) -> float:
    """Variance of the mean of deviations [P] whose clusters are the folds of a partition [P]."""
    sums = np.bincount(folds, weights=deviation)
    return float(np.square(sums).sum()) / len(folds) ** 2 * len(sums) / (len(sums) - 1)


def _group_variance(deviation: np.ndarray, folds: np.ndarray, both: float) -> float:
    """Variance of the mean by retraining, of deviations [G, P] from the mean over groups, in clusters of folds [G, P].

    A patient's own part of a retraining keeps (G - 1) / G of its variance in deviations, and so does the shift of a
    fold that the groups have in common, as seeds do. Where the folds of another partition cut across it, less is kept.
    """
    num_groups, num_patients = deviation.shape
    fold_is = np.equal(folds[:, None], np.arange(folds.max() + 1)[:, None]).astype(np.float64)
    sums = np.einsum("gkp,gp->gk", fold_is, deviation)
    found = float(np.square(sums).sum()) / (num_groups * num_patients) ** 2
    # Squares of the numbers of patients that a fold has in common with the folds of its own group, and of the others.
    common = np.square(np.einsum("gkp,hlp->gkhl", fold_is, fold_is, optimize=True)).sum((1, 3))
    own = float(np.trace(common))
    kept = (1 - 1 / num_groups) ** 2 + (float(common.sum()) - own) / own / num_groups**2
    as_seeds = (num_groups - 1) / num_groups
    return max(found / as_seeds, both + (found - both * as_seeds) / kept)


def _components(
    pseudo: np.ndarray, member: np.ndarray, patients: float, retraining: float, both: float, num_groups: int
) -> Components:
    num_patients = pseudo.shape[1]
    of_patients = max(0.0, patients - both) * num_patients
    # Variance of a group's mean beyond what patients add to it, and of a patient in a group.
    of_group = max(0.0, retraining - both) * num_groups
    residual = both * num_groups * num_patients
    sizes = np.bincount(member)
    free = int((sizes - 1).sum())
    if not free:
        return Components(of_patients, residual, of_group)
    within = pseudo - np.stack([pseudo[member == g].mean(0) for g in range(num_groups)])[member]
    shift = within.mean(1, keepdims=True)
    residual = float(np.square(within - shift).sum()) / (free * (num_patients - 1))
    seeds = max(0.0, float(np.square(shift).sum()) / free - residual / num_patients)
    seeds_each = len(member) / num_groups
    return Components(of_patients, residual, seeds, max(0.0, of_group - seeds / seeds_each))
