"""Arms on the same lesions, retraining by retraining: what a contrast of two or three of them varies by."""

import dataclasses
from collections.abc import Sequence
from typing import Literal

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.metrics.components import Decomposition, decompose, pseudovalues
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.spread import Spread

Source = Literal["patients", "seeds", "partitions", "cohorts"]


@dataclasses.dataclass(frozen=True, eq=False)
class Design:
    """How retrainings repeat a comparison.

    Attributes:
      kind: What their groups are.
      group: int [U], the group of each retraining; the spread of groups is that of repetitions.
      folds: int [G, P], test fold of each patient in each group; None for a test set, and with cohorts.
      num_cohorts: Cohorts of training patients.
      num_partitions: Partitions into folds; 0 without folds.
    """

    kind: Source
    group: np.ndarray
    folds: np.ndarray | None
    num_cohorts: int
    num_partitions: int

    @property
    def sources(self) -> tuple[Source, ...]:
        """What varies between retrainings."""
        if self.kind == "cohorts" and self.num_partitions > 1:
            return ("seeds", "partitions", "cohorts")
        return ("seeds",) if self.kind == "seeds" else ("seeds", self.kind)


def _design_of(runs: Runs) -> Design:
    used, num_cohorts = np.unique(runs.partition), len(np.unique(runs.cohort))
    counts = num_cohorts, 0 if runs.folds is None else len(used)
    if num_cohorts > 1:
        return Design("cohorts", runs.cohort, None, *counts)
    if len(used) > 1:
        # There are folds: `Runs` refuses partitions without.
        return Design("partitions", runs.partition, None if runs.folds is None else runs.folds[used], *counts)
    units = np.arange(len(runs.seed))
    return Design("seeds", units, None if runs.folds is None else runs.folds[runs.partition], *counts)


@dataclasses.dataclass(frozen=True, eq=False)
class Crossed:
    """Retrainings that some arms have in common, crossed with patients: what any contrast of the arms is made of.

    Attributes:
      design: How retrainings repeat.
      values: float64 [A, U], the metric of each arm in each retraining.
      influence: float64 [A, U, N], of each lesion on it.
      patient: int [N], in [0, P).
      is_share: Whether the metric is one.
    """

    design: Design
    values: np.ndarray
    influence: np.ndarray
    patient: np.ndarray
    is_share: bool

    @classmethod
    def of(cls, arms: Sequence[Runs], metric: str) -> "Crossed":
        """Pairs the arms; see `compare` for what raises a DataError."""
        units = _common_units(arms)
        arms = [_ordered(runs, units) for runs in arms]
        _, first, patient = np.unique(arms[0].patients, return_index=True, return_inverse=True)
        if len(first) < 2:
            raise DataError("All lesions are of one patient; an interval over patients needs two at least.")
        row, design = PREDICTION_METRICS[metric], _design_of(arms[0])
        if design.folds is not None:
            design = dataclasses.replace(design, folds=design.folds[:, first])
        totals = [row.total(runs.labels, runs.probabilities) for runs in arms]
        return cls(
            design,
            np.stack([one.value for one in totals]),
            np.stack([one.influence for one in totals]),
            patient,
            row.unit == "%",
        )

    @property
    def num_lesions(self) -> int:
        """N."""
        return len(self.patient)

    @property
    def num_patients(self) -> int:
        """P."""
        return int(self.patient.max()) + 1

    def decompose(self, weights: Sequence[float]) -> Decomposition:
        """Takes apart the variance of the sum of weights[a] times arm a, whose weights add up to 0."""
        weighted = np.asarray(weights, np.float64)
        value, influence = (np.tensordot(weighted, some, 1) for some in (self.values, self.influence))
        return decompose(pseudovalues(value, influence, self.patient), self.design.group, self.design.folds)

    def spread(self, found: Decomposition) -> Spread:
        """What a contrast's interval is made of, once its variance is taken apart."""
        # Two arms that agree on all lesions might have differed in one: as Agresti and Min (2005) add a disagreement.
        # Metrics that are no shares differ a little everywhere.
        least = 1 / self.num_lesions**2 / len(set(self.design.group.tolist())) if self.is_share else 0.0
        patients = (max(0.0, found.patients - found.both) + least, self.num_patients - 1)
        if found.retraining is not None:
            return Spread((patients, (found.retraining, found.retraining_df)))
        return Spread((patients,), None if found.folds is None else (found.folds, found.retraining_df))


def _common_units(arms: Sequence[Runs]) -> list[tuple[int, int, int]]:
    first, *others = arms
    units = first.units
    for other in others:
        same = first.patients == other.patients and np.array_equal(first.labels, other.labels)
        if not same or first.probabilities.shape[2] != other.probabilities.shape[2]:
            raise DataError("Two arms are compared on other lesions, or in another order; score both on the same ones.")
        own = set(other.units)
        units = [unit for unit in units if unit in own]
        if not units:
            raise DataError(
                "No (cohort, partition, seed) is common to all arms, so no retrainings can be paired; train them with "
                f"the same ones (one: {first.units[:3]} ..., another: {other.units[:3]} ...)."
            )
    for other in others:
        for _, partition, _ in units:
            # Lesions of an independent test set are all in one fold.
            ours, theirs = (np.zeros(0) if runs.folds is None else runs.folds[partition] for runs in (first, other))
            if not np.array_equal(ours, theirs):
                raise DataError(
                    f"The folds of partition {partition} differ between two arms; compare arms of one partition."
                )
    return units


def _ordered(runs: Runs, units: list[tuple[int, int, int]]) -> Runs:
    own = runs.units
    return runs if own == units else runs.take([own.index(unit) for unit in units])
