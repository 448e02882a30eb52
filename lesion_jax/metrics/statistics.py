"""One arm against another on the same lesions: the paired difference and its interval."""

import dataclasses
from typing import Any, Literal

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.metrics.components import Components, Decomposition, decompose, pseudovalues
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.spread import Spread

Source = Literal["patients", "seeds", "partitions", "cohorts"]


@dataclasses.dataclass(frozen=True)
class Difference:
    """An arm minus its baseline.

    Attributes:
      metric: Key in `PREDICTION_METRICS`.
      better: Whether a positive difference is good ("higher") or bad ("lower").
      value: Difference of the means over retrainings.
      low: Lower end of the interval.
      high: Upper end.
      confidence: Of the interval, two-sided; Holm's steps change it.
      p: Two-sided, of this comparison alone.
      adjusted_p: Of this comparison among others, see `holm`; None where it is alone.
      num_compared: How many comparisons it was adjusted for, itself included.
      covers: What varies inside the interval.
      missing: What would vary in a repetition, but is not in the interval because the study holds one of it.
      spread: What the interval is made of.
      components: Variances for planning.
      num_lesions: N.
      num_patients: Patients of these lesions.
      num_retrainings: Pairs of retrainings.
      num_seeds: Seeds of each cohort or partition (their mean where they differ, rounded down).
      num_partitions: Partitions into folds; 0 without folds.
      num_folds: Folds of a partition; 1 for an independent test set.
      num_cohorts: Cohorts of training patients.
    """

    metric: str
    better: Literal["higher", "lower"]
    value: float
    low: float
    high: float
    confidence: float
    p: float
    adjusted_p: float | None
    num_compared: int
    covers: tuple[Source, ...]
    missing: tuple[Source, ...]
    spread: Spread
    components: Components
    num_lesions: int
    num_patients: int
    num_retrainings: int
    num_seeds: int
    num_partitions: int
    num_folds: int
    num_cohorts: int

    def at(self, confidence: float) -> "Difference":
        """The same with the interval of another confidence."""
        half = self.spread.half_width(confidence)
        return dataclasses.replace(self, low=self.value - half, high=self.value + half, confidence=confidence)

    @property
    def num_groups(self) -> int:
        """Cohorts, or partitions of one cohort; 1 where there is one of both."""
        return max(self.num_cohorts, self.num_partitions, 1)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values; `standard_error` besides."""
        return {**dataclasses.asdict(self), "standard_error": self.spread.standard_error}


def compare(
    arm: Runs, baseline: Runs, metric: str, *, confidence: float = 0.95, prior_sd: float | None = None
) -> Difference:
    """Paired difference of two arms, with an interval over patients, retraining, and partitions or cohorts.

    Retrainings are paired by (cohort, partition, seed); those that only one arm has are left out. The interval is for
    other patients and other retrainings. With several cohorts it is for other cohorts, with several partitions for
    other partitions; `missing` says what it is not for.

    A single retraining shows nothing of what retraining does, unless it is a cross-validation: then the spread of its
    folds, each with networks of its own, does so roughly, and the interval is wide. Where `prior_sd` is given it takes
    the place of the folds.

    Args:
      arm: Predictions of the arm.
      baseline: Of what it is compared with; the same lesions in the same order, and the same folds.
      metric: Key in `PREDICTION_METRICS`.
      confidence: Two-sided, in (0, 1).
      prior_sd: Standard deviation of the difference of one pair of retrainings on the same patients, known from
        elsewhere; used where there is one pair only.

    Raises:
      DataError: Other lesions or folds, no retraining that both arms have, or a single patient.
    """
    pairs = _pairs(arm, baseline)
    arm, baseline = (_ordered(runs, pairs) for runs in (arm, baseline))
    _, first, patient = np.unique(arm.patients, return_index=True, return_inverse=True)
    if len(first) < 2:
        raise DataError("All lesions are of one patient; an interval over patients needs two at least.")
    row, design = PREDICTION_METRICS[metric], _design(arm)
    ours, theirs = (row.total(runs.labels, runs.probabilities) for runs in (arm, baseline))
    pseudo = pseudovalues(ours.value - theirs.value, ours.influence - theirs.influence, patient)
    found = decompose(pseudo, design.group, None if design.folds is None else design.folds[:, first])
    if len(pairs) == 1 and prior_sd is not None:
        components = dataclasses.replace(found.components, seeds=prior_sd**2)
        found = dataclasses.replace(
            found, retraining=prior_sd**2, retraining_df=_KNOWN, folds=None, components=components
        )
    num_groups = len(set(design.group.tolist()))
    if design.kind != "seeds" and len(pairs) == num_groups > 1:
        # With one seed in each, what seeds do is part of what groups do: more seeds must not be promised to lessen it.
        alone = dataclasses.replace(found.components, seeds=None, groups=found.components.seeds)
        found = dataclasses.replace(found, components=alone)
    # Two arms that agree on all lesions might have differed in one: as Agresti and Min (2005) add a disagreement.
    # Metrics that are no shares differ a little everywhere.
    least = 1 / len(patient) ** 2 / num_groups if row.unit == "%" else 0.0
    spread = _spread(found, least, len(first))
    half = spread.half_width(confidence)
    return Difference(
        metric=metric,
        better=row.better,
        value=found.mean,
        low=found.mean - half,
        high=found.mean + half,
        confidence=confidence,
        p=spread.p(found.mean),
        adjusted_p=None,
        num_compared=1,
        covers=("patients",) if found.retraining is None and found.folds is None else ("patients", *design.sources),
        missing=_missing(design, found),
        spread=spread,
        components=found.components,
        num_lesions=len(patient),
        num_patients=len(first),
        num_retrainings=len(pairs),
        num_seeds=len(pairs) if design.kind == "seeds" else len(pairs) // num_groups,
        num_partitions=0 if design.folds is None else len(np.unique(arm.partition)),
        num_folds=1 if design.folds is None else int(design.folds.max()) + 1,
        num_cohorts=len(np.unique(arm.cohort)),
    )


# Degrees of freedom of a variance that is given: as good as infinitely many.
_KNOWN = 10**6


@dataclasses.dataclass(frozen=True, eq=False)
class _Design:
    """Groups of retrainings whose spread is that of repetitions: int [U], and the folds [G, N] of each."""

    kind: Source
    group: np.ndarray
    folds: np.ndarray | None

    @property
    def sources(self) -> tuple[Source, ...]:
        return ("seeds",) if self.kind == "seeds" else ("seeds", self.kind)


def _design(runs: Runs) -> _Design:
    if len(np.unique(runs.cohort)) > 1:
        return _Design("cohorts", runs.cohort, None)
    if len(used := np.unique(runs.partition)) > 1:
        # There are folds: `Runs` refuses partitions without.
        return _Design("partitions", runs.partition, None if runs.folds is None else runs.folds[used])
    units = np.arange(len(runs.seed))
    return _Design("seeds", units, None if runs.folds is None else runs.folds[runs.partition])


def _pairs(arm: Runs, baseline: Runs) -> list[tuple[int, int, int]]:
    same = arm.patients == baseline.patients and np.array_equal(arm.labels, baseline.labels)
    if not same or arm.probabilities.shape[2] != baseline.probabilities.shape[2]:
        raise DataError("Two arms are compared on other lesions, or in another order; score both on the same ones.")
    theirs = set(baseline.units)
    pairs = [unit for unit in arm.units if unit in theirs]
    if not pairs:
        raise DataError(
            "No (cohort, partition, seed) is common to both arms, so no retrainings can be paired; train both with the "
            f"same ones (arm: {arm.units[:3]} ..., baseline: {baseline.units[:3]} ...)."
        )
    for _, partition, _ in pairs:
        # Lesions of an independent test set are all in one fold.
        ours, theirs = (np.zeros(0) if runs.folds is None else runs.folds[partition] for runs in (arm, baseline))
        if not np.array_equal(ours, theirs):
            raise DataError(
                f"The folds of partition {partition} differ between two arms; compare arms of one partition."
            )
    return pairs


def _ordered(runs: Runs, pairs: list[tuple[int, int, int]]) -> Runs:
    units = runs.units
    return runs if units == pairs else runs.take([units.index(unit) for unit in pairs])


def _spread(found: Decomposition, least: float, num_patients: int) -> Spread:
    patients = (max(0.0, found.patients - found.both) + least, num_patients - 1)
    if found.retraining is not None:
        return Spread((patients, (found.retraining, found.retraining_df)))
    return Spread((patients,), None if found.folds is None else (found.folds, found.retraining_df))


def _missing(design: _Design, found: Decomposition) -> tuple[Source, ...]:
    missing: list[Source] = []
    if found.retraining is None and found.folds is None:
        missing.append("seeds")
    if design.kind == "seeds" and design.folds is not None:
        missing.append("partitions")
    if design.kind != "cohorts":
        missing.append("cohorts")
    return tuple(missing)
