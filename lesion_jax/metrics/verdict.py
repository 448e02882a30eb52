"""The decision rule: a paired difference and a margin that was fixed beforehand end in one of four words."""

import dataclasses
from typing import Literal

from lesion_jax.metrics.power import Needed, Size, needed
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.metrics.statistics import Difference

Word = Literal["gain", "loss", "no difference", "cannot tell"]


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What a comparison says.

    Attributes:
      word: The decision.
      sentence: The decision with its numbers, from the arm's title on, without a full stop.
      needs: What would show a difference of the margin with 80 % power; None unless the word is "cannot tell".
    """

    word: Word
    sentence: str
    needs: Needed | None = None


def judge(difference: Difference, margin: float, arm: str = "the arm") -> Verdict:
    """Decides.

    - no difference: the interval lies within +-margin, ends excluded (two one-sided tests: Schuirmann 1987, each at
      half of 1 - confidence). This may be a difference that is surely not 0 but too small to matter.
    - gain, loss: the interval excludes 0, on the better or the worse side, and is not within the margin.
    - cannot tell: anything else, and always where a single retraining says nothing of what retraining does.

    Where arms are the same each of gain and loss comes in at most 2.5 % of comparisons with 95 % confidence; with
    several arms take the differences from `holm`, and that holds for any of them.

    Args:
      difference: From `compare` or `holm`, in which case its interval is adjusted.
      margin: Smallest difference that matters, above 0, in the unit of the metric (0.05 for 5 points of accuracy).
      arm: What the sentence calls the arm.

    Raises:
      ValueError: The margin is not above 0.
    """
    if not margin > 0:
        raise ValueError(f"margin is {margin}; it is the smallest difference that matters, above 0.")
    name = PREDICTION_METRICS[difference.metric].title
    name = name[0].lower() + name[1:] if not name[:2].isupper() else name
    interval = describe(difference)
    if "seeds" in difference.missing:
        needs = _needs(difference, margin)
        return Verdict(
            "cannot tell",
            f"{arm}: this cannot tell whether {name} changes ({interval}): what a retraining alone does is not known "
            f"from one; needs {_words(needs, difference)}",
            needs,
        )
    if -margin < difference.low and difference.high < margin:
        surely = "" if difference.low <= 0 <= difference.high else "; it is not 0, but too small to matter"
        return Verdict(
            "no difference", f"{arm} changed {name} by less than {size(margin, difference)} ({interval}{surely})"
        )
    if difference.low > 0 or difference.high < 0:
        word: Word = "gain" if (difference.low > 0) == (difference.better == "higher") else "loss"
        verb = "raised" if difference.low > 0 else "lowered"
        return Verdict(word, f"{arm} {verb} {name} ({interval})")
    needs = _needs(difference, margin)
    return Verdict(
        "cannot tell",
        f"{arm}: this cannot tell whether {name} changes ({interval}); to show a difference of "
        f"{size(margin, difference)} it needs {_words(needs, difference)}",
        needs,
    )


def describe(difference: Difference) -> str:
    """ "+4.1 points, 95 % interval over patients and seeds -2.8 to +11.5"."""
    scale = _scale(difference)
    value, low, high = (
        f"{scale * end:+.{_DIGITS[scale]}f}" for end in (difference.value, difference.low, difference.high)
    )
    unit = " points" if scale == 100 else ""
    *most, last = difference.covers
    over = f"{', '.join(most)} and {last}" if most else last
    return f"{value}{unit}, {100 * difference.confidence:.3g} % interval over {over} {low} to {high}"


def size(value: float, difference: Difference) -> str:
    """A difference without its sign, in the metric's unit: "5 points", "0.02"."""
    return f"{100 * value:.3g} points" if _scale(difference) == 100 else f"{value:.3g}"


_DIGITS = {100: 1, 1: 3}


def _scale(difference: Difference) -> int:
    return 100 if PREDICTION_METRICS[difference.metric].unit == "%" else 1


def _needs(difference: Difference, margin: float) -> Needed:
    grouped = max(difference.num_cohorts, difference.num_partitions)
    planned = Size(difference.num_patients, difference.num_seeds, grouped, difference.num_folds)
    return needed(
        difference.components,
        planned,
        margin,
        confidence=difference.confidence,
    )


def _words(needs: Needed, difference: Difference) -> str:
    """ "about 300 more patients and 4 more seeds"."""
    groups = "cohorts" if difference.num_cohorts > 1 else "partitions"
    counts = [(needs.patients, "patients"), (needs.seeds, "seeds"), (needs.groups, groups)]
    said = [f"{_rounded(count):,} more {name if count > 1 else name[:-1]}" for count, name in counts if count]
    return "about " + " and ".join(said) if said else "a little more of everything"


def _rounded(count: int) -> int:
    """Two digits, rounded up: nothing is planned more exactly."""
    step = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step
