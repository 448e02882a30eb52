"""What share of one arm's gain another one reaches: Fieller's interval of a ratio of paired differences."""

import dataclasses
from collections.abc import Callable

from scipy import optimize

from lesion_jax.metrics.crossed import Crossed
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.metrics.runs import Runs

# Shares beyond it are told as this: the interval of a gain that is hardly one has no end.
FARTHEST = 10.0


@dataclasses.dataclass(frozen=True)
class Share:
    """(arm - baseline) / (ceiling - baseline), of a metric.

    Attributes:
      value: 1 where the arm gains as much as the ceiling; in -10 to 10.
      low: Lower end of the interval, at least -10.
      high: Upper end, at most 10.
      confidence: Of the interval, two-sided, for this share alone.
    """

    value: float
    low: float
    high: float
    confidence: float

    def to_json(self) -> dict[str, float]:
        """As plain values."""
        return dataclasses.asdict(self)


def share_of_gain(arm: Runs, ceiling: Runs, baseline: Runs, metric: str, *, confidence: float = 0.95) -> Share | None:
    """The share, with the interval of all r for which arm - r ceiling - (1 - r) baseline may be 0 (Fieller 1954).

    Args:
      arm: Predictions of the arm.
      ceiling: Of the arm whose gain is shared.
      baseline: Of what both are compared with; see `compare` for what all three must have in common.
      metric: Key in `PREDICTION_METRICS`.
      confidence: Two-sided, in (0, 1).

    Returns:
      None where the ceiling does not surely gain, and always where a single retraining says nothing of what retraining
      does: there is nothing to share.
    """
    some = Crossed.of((arm, ceiling, baseline), metric)

    def slack(ratio: float) -> float:
        """How far 0 lies inside the interval of the contrast; negative where it lies outside."""
        found = some.decompose((1.0, -ratio, ratio - 1.0))
        return some.spread(found).half_width(confidence) - abs(found.mean)

    gain = some.decompose((0.0, 1.0, -1.0))
    sign = 1 if PREDICTION_METRICS[metric].better == "higher" else -1
    if not gain.knows_retraining or sign * gain.mean <= some.spread(gain).half_width(confidence):
        return None
    value = some.decompose((1.0, 0.0, -1.0)).mean / gain.mean
    ends = (_end(slack, value, farthest) for farthest in (-FARTHEST, FARTHEST))
    value, low, high = (max(-FARTHEST, min(one, FARTHEST)) for one in (value, *ends))
    return Share(value, low, high, confidence)


def _end(slack: Callable[[float], float], value: float, farthest: float) -> float:
    if slack(value) <= 0:
        return value
    # A value that lies beyond it leaves no end between the two.
    if abs(value) >= FARTHEST and value * farthest > 0 or slack(farthest) >= 0:
        return farthest
    return float(optimize.root_scalar(slack, bracket=(value, farthest), method="brentq", xtol=1e-4).root)
