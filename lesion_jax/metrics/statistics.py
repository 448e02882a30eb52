"""One arm against another on the same lesions: the paired difference and its interval."""

import dataclasses
from typing import Any, Literal

from lesion_jax.metrics.components import Components, Decomposition
from lesion_jax.metrics.crossed import Crossed, Design, Source
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.spread import Spread


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
      family_confidence: Of all of these together.
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
    family_confidence: float
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
        return self.num_cohorts if self.num_cohorts > 1 else max(self.num_partitions, 1)

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
    some = Crossed.of((arm, baseline), metric)
    found, design, row = some.decompose((1.0, -1.0)), some.design, PREDICTION_METRICS[metric]
    num_retrainings = len(design.group)
    if num_retrainings == 1 and prior_sd is not None:
        components = dataclasses.replace(found.components, seeds=prior_sd**2)
        found = dataclasses.replace(
            found, retraining=prior_sd**2, retraining_df=_KNOWN, folds=None, components=components
        )
    num_groups = len(set(design.group.tolist()))
    if design.kind != "seeds" and num_retrainings == num_groups > 1:
        # With one seed in each, what seeds do is part of what groups do: more seeds must not be promised to lessen it.
        alone = dataclasses.replace(found.components, seeds=None, groups=found.components.seeds)
        found = dataclasses.replace(found, components=alone)
    spread = some.spread(found)
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
        family_confidence=confidence,
        covers=("patients", *design.sources) if found.knows_retraining else ("patients",),
        missing=_missing(design, found),
        spread=spread,
        components=found.components,
        num_lesions=some.num_lesions,
        num_patients=some.num_patients,
        num_retrainings=num_retrainings,
        num_seeds=num_retrainings if design.kind == "seeds" else num_retrainings // num_groups,
        num_partitions=design.num_partitions,
        num_folds=1 if design.folds is None else int(design.folds.max()) + 1,
        num_cohorts=design.num_cohorts,
    )


# Degrees of freedom of a variance that is given: as good as infinitely many.
_KNOWN = 10**6


def _missing(design: Design, found: Decomposition) -> tuple[Source, ...]:
    missing: list[Source] = []
    if not found.knows_retraining:
        missing.append("seeds")
    # Several are groups of their own, or are crossed with cohorts.
    if design.num_partitions == 1:
        missing.append("partitions")
    if design.kind != "cohorts":
        missing.append("cohorts")
    return tuple(missing)
