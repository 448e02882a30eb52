"""What a study can show, before it is run, and what it needs to show more.

Variance of a paired difference with P patients, G cohorts (or partitions) and S seeds in each, see `Components`:

    V = V_patients + V_retraining
    V_patients = patients / P
    V_retraining = groups / G + seeds / (G S) + residual / (P G S)

Smallest true difference that the two-sided interval excludes 0 for with a given power:

    sqrt(t_P^2 V_patients + t_R^2 V_retraining) + z_power sqrt(V)

with t the quantiles of Student's t that `Spread` uses. It is the usual (t + z) times the standard error, as in
multi-reader multi-case studies (Hillis, Obuchowski and Berbaum 2011), with the interval of this package in place of
theirs; `benchmarks/verdict_simulation.py` shows the power that it promises.
"""

import dataclasses
import math
from collections.abc import Callable, Sequence

from scipy import special

from lesion_jax.metrics.components import Components, retraining_df
from lesion_jax.metrics.spread import Spread

# Accuracy, as shares squared, where nothing better is known. Residual and seeds: 24 seeds of one arm against itself on
# the phantom (182 lesions of 86 patients, W = 8 at 32x32; benchmarks/README.md). Patients: what the standard error of
# two different arms there, 3.1 points with one seed, holds besides. Groups: paired differences between cohorts of
# training patients spread by about 2 points.
DEFAULTS = Components(patients=0.005, residual=0.078, seeds=0.00022, groups=0.0002)

# One thing alone that must grow more than this is not the way.
_MOST_GROWTH = 1000.0


@dataclasses.dataclass(frozen=True)
class Size:
    """Size of a study.

    Attributes:
      patients: Patients whose lesions are scored.
      seeds: Retrainings of each cohort or partition.
      groups: Cohorts of training patients, or partitions into folds.
      folds: Folds of a partition; 1 for an independent test set.
    """

    patients: int
    seeds: int
    groups: int = 1
    folds: int = 1


def smallest_difference(
    components: Components, size: Size, *, confidence: float = 0.95, power: float = 0.8, num_compared: int = 1
) -> float:
    """Smallest true difference that a study shows with the given power.

    Args:
      components: Variances, of a pilot or of a finished study (`Difference.components`), or `DEFAULTS`.
      size: Of the study.
      confidence: Of the interval, two-sided, in (0, 1).
      power: In (0, 1).
      num_compared: Arms that are compared with the baseline: by the strictest step of Holm's.

    Returns:
      In the unit of the metric (a share for accuracy); infinite where there is one retraining and it has no folds.
    """
    spread = _spread(components, size)
    if spread is None:
        return math.inf
    level = 1 - (1 - confidence) / num_compared
    return spread.half_width(level) + float(special.ndtri(power)) * spread.standard_error


@dataclasses.dataclass(frozen=True)
class Needed:
    """What a study needs more of, for a difference that it cannot show yet.

    Attributes:
      patients: More patients than there are.
      seeds: More seeds of each cohort or partition.
      groups: More cohorts or partitions.
    """

    patients: int = 0
    seeds: int = 0
    groups: int = 0


def needed(
    components: Components,
    size: Size,
    difference: float,
    *,
    confidence: float = 0.95,
    power: float = 0.8,
    num_compared: int = 1,
) -> Needed:
    """How much larger a study must be to show a difference.

    The one thing whose variance is the greatest, the bottleneck, is made more of as long as that alone can do it; else
    the other; else both by the same factor.

    Args:
      components: As in `smallest_difference`.
      size: Of the study as it is.
      difference: Wanted smallest difference, above 0, in the unit of the metric.
      confidence: As in `smallest_difference`.
      power: As in `smallest_difference`.
      num_compared: As in `smallest_difference`.
    """

    def shows(larger: Size) -> bool:
        found = smallest_difference(components, larger, confidence=confidence, power=power, num_compared=num_compared)
        return found <= difference

    if shows(size):
        return Needed()
    field = "groups" if size.groups > 1 else "seeds"
    if getattr(size, field) == 1:
        # One retraining has no spread: whatever is asked for, it needs a second.
        size, start = dataclasses.replace(size, **{field: 2}), size
    else:
        start = size
    of_patients, of_retraining = variances(components, size)
    first, second = ("patients", field) if of_patients > of_retraining else (field, "patients")
    for fields, most in (((first,), _MOST_GROWTH), ((second,), _MOST_GROWTH), (("patients", field), math.inf)):
        factor = _smallest_factor(lambda factor, fields=fields: shows(_larger(size, fields, factor)), most)
        if factor is not None:
            break
    larger = _larger(size, fields, factor or 1.0)
    return Needed(larger.patients - start.patients, larger.seeds - start.seeds, larger.groups - start.groups)


def variances(components: Components, size: Size) -> tuple[float, float]:
    """Variance of the mean difference: (of the patients, of retraining and what it shares with the patients)."""
    retrainings = size.groups * size.seeds
    shift = (components.seeds or 0.0) / retrainings + components.residual / (size.patients * retrainings)
    if size.groups > 1:
        shift += (components.groups or 0.0) / size.groups
    return components.patients / size.patients, shift


def _spread(components: Components, size: Size) -> Spread | None:
    of_patients, of_retraining = variances(components, size)
    patients = (of_patients, size.patients - 1)
    df = retraining_df(size.groups if size.groups > 1 else size.seeds, size.folds)
    if df < 1:
        return None
    if size.groups * size.seeds == 1:
        return Spread(((of_patients, size.patients - 1),), (of_patients + of_retraining, df))
    return Spread((patients, (of_retraining, df)))


def _larger(size: Size, fields: Sequence[str], factor: float) -> Size:
    return dataclasses.replace(size, **{field: math.ceil(getattr(size, field) * factor) for field in fields})


def _smallest_factor(holds: Callable[[float], bool], most: float) -> float | None:
    """Smallest factor from 1 on for which a condition holds, to half a per cent; None where it is above most."""
    low, high = 1.0, 1.0
    while not holds(high):
        if high >= most:
            return None
        low, high = high, 2 * high
    while high / low > 1.005:
        middle = math.sqrt(low * high)
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
