"""An arm against the best of several baselines, whichever that truly is."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from lesion_jax.errors import DataError
from lesion_jax.metrics.runs import Runs
from lesion_jax.metrics.statistics import Difference, Source, compare


@dataclasses.dataclass(frozen=True)
class OverBest:
    """An arm minus the best baseline.

    Which baseline is best is not known, only which came out best. So the interval is of the worst of the arm's
    differences: that one is better than a bound where all of them are, which needs no correction (intersection-union
    test: Berger 1982), and worse than one where any of them is, which needs Bonferroni's over the baselines.

    Attributes:
      differences: By baseline, the arm minus it.
      confidence: Of the interval, two-sided; Holm's steps change it.
      family_confidence: Of all arms that it is adjusted for together.
      adjusted_p: Among other arms, see `holm`; None where it is alone.
      num_compared: How many arms it was adjusted for, itself included.
    """

    differences: Mapping[str, Difference]
    confidence: float
    family_confidence: float
    adjusted_p: float | None = None
    num_compared: int = 1

    @property
    def metric(self) -> str:
        """Key in `PREDICTION_METRICS`."""
        return next(iter(self.differences.values())).metric

    @property
    def better(self) -> Literal["higher", "lower"]:
        """Whether a positive difference is good or bad."""
        return next(iter(self.differences.values())).better

    @property
    def missing(self) -> tuple[Source, ...]:
        """What any of the differences misses, see `Difference`: the interval takes its ends from all of them."""
        return tuple(dict.fromkeys(source for one in self.differences.values() for source in one.missing))

    @property
    def best(self) -> str:
        """The baseline that came out best, the first of equals; for `value` alone."""
        # Rounding makes equals differ, otherwise for each arm: the report names one for all of them.
        return min(self.differences, key=lambda name: round(self._sign * self.differences[name].value, 12))

    @property
    def value(self) -> float:
        """Difference to the baseline that came out best: too bad on average, since the luckiest is taken."""
        return self.differences[self.best].value

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self._ends[0]

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self._ends[1]

    @property
    def p(self) -> float:
        """Two-sided p of no difference, of this arm alone: the interval of confidence 1 - p just reaches 0."""
        sign, num = self._sign, len(self.differences)
        worse = [one.p for one in self.differences.values() if sign * one.value < 0]
        if worse:
            return min(1.0, num * min(worse))
        return max(one.p for one in self.differences.values())

    def at(self, confidence: float) -> "OverBest":
        """The same with the interval of another confidence."""
        return dataclasses.replace(self, confidence=confidence)

    def to_json(self) -> dict[str, Any]:
        """What the report needs, as plain values."""
        names = ("metric", "best", "value", "low", "high", "confidence", "p", "adjusted_p", "num_compared")
        return {name: getattr(self, name) for name in names}

    @property
    def _sign(self) -> int:
        return 1 if self.better == "higher" else -1

    @property
    def _ends(self) -> tuple[float, float]:
        each = self.differences.values()
        # An end on the worse side is passed if any difference passes it.
        strict = 1 - (1 - self.confidence) / len(self.differences)
        if self._sign > 0:
            return min(one.at(self.confidence).low for one in each), min(one.at(strict).high for one in each)
        return max(one.at(strict).low for one in each), max(one.at(self.confidence).high for one in each)


def over_best(arm: Runs, baselines: Mapping[str, Runs], metric: str, *, confidence: float = 0.95) -> OverBest:
    """Compares an arm with each baseline.

    Args:
      arm: Predictions of the arm.
      baselines: Of each baseline; see `compare` for what they must have in common with the arm.
      metric: Key in `PREDICTION_METRICS`.
      confidence: Two-sided, in (0, 1).

    Raises:
      DataError: There is no baseline; and see `compare`.
    """
    if not baselines:
        raise DataError("There is no baseline to compare with; name one at least.")
    found = {name: compare(arm, runs, metric) for name, runs in baselines.items()}
    return OverBest(found, confidence, confidence)
