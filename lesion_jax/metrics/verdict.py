"""The decision rule: a paired difference and a margin that was fixed beforehand end in one of four words."""

import dataclasses
from typing import Literal

from lesion_jax.metrics.holm import Compared
from lesion_jax.metrics.power import Needed, Size, needed
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.metrics.statistics import Difference
from lesion_jax.metrics.titles import in_sentence

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

    - no difference: the interval, with Bonferroni's correction for several arms, lies within +-margin, ends excluded
      (two one-sided tests: Schuirmann 1987, each at half of 1 - confidence). This may be a difference that is surely
      not 0 but too small to matter.
    - gain, loss: the interval, with Holm's correction, excludes 0, on the better or the worse side.
    - cannot tell: anything else, and always where a single retraining says nothing of what retraining does.

    Where arms are the same, each of gain and loss comes in at most 2.5 % of comparisons with 95 % confidence, and so
    does "no difference" where they differ by the margin; with several arms take the differences from `holm`, and that
    holds for any of them. Holm's steps are ordered by how surely arms differ: the arm that differs least comes last,
    with the narrowest interval, so that they do not protect "no difference".

    Args:
      difference: From `compare`, or from `holm`, whose intervals are adjusted.
      margin: Smallest difference that matters, above 0, in the unit of the metric (0.05 for 5 points of accuracy).
      arm: What the sentence calls the arm.

    Raises:
      ValueError: The margin is not above 0.
    """
    if not margin > 0:
        raise ValueError(f"margin is {margin}; it is the smallest difference that matters, above 0.")
    word = decide(difference, margin)
    difference = deciding(difference, word)
    metric, interval = in_sentence(PREDICTION_METRICS[difference.metric].title), describe(difference)
    open_question = f"this cannot tell whether {metric} changes with {arm} ({interval})"
    if "seeds" in difference.missing:
        needs = _needs(difference, margin, 0.8)
        why = f"one retraining does not show what retraining alone does, it needs {_words(needs, difference)}"
        return Verdict("cannot tell", f"{open_question}: {why}", needs)
    if word == "no difference":
        surely = "" if difference.low <= 0 <= difference.high else ", not 0 but too small to matter"
        wide = magnitude(margin, difference)
        return Verdict("no difference", f"{arm} changed {metric} by less than {wide} ({interval}{surely})")
    if word != "cannot tell":
        return Verdict(word, f"{arm} {'raised' if difference.low > 0 else 'lowered'} {metric} ({interval})")
    needs = _needs(difference, margin, 0.8)
    if needs != Needed():
        why = f"a difference of {magnitude(margin, difference)} needs {_words(needs, difference)}"
        return Verdict("cannot tell", f"{open_question}: {why}", needs)
    # Large enough for the margin, and yet undecided: the interval must either leave 0 or fit into the margin.
    wanted = max(abs(difference.value), margin - abs(difference.value))
    needs = _needs(difference, wanted, 0.5)
    return Verdict("cannot tell", f"{open_question}: if the value stays, {_words(needs, difference)} will tell", needs)


def decide(difference: Compared, margin: float) -> Word:
    """The word alone, see `judge`."""
    if "seeds" in difference.missing:
        return "cannot tell"
    strict = deciding(difference, "cannot tell")
    if -margin < strict.low and strict.high < margin:
        return "no difference"
    if difference.low <= 0 <= difference.high:
        return "cannot tell"
    return "gain" if (difference.low > 0) == (difference.better == "higher") else "loss"


def deciding(difference: Compared, word: Word) -> Compared:
    """The comparison with the interval that decided: as `holm` left it for a gain or a loss, else Bonferroni's."""
    if word in ("gain", "loss") or difference.num_compared == 1:
        return difference
    return difference.at(1 - (1 - difference.family_confidence) / difference.num_compared)


def describe(difference: Difference) -> str:
    """A difference and its interval, such as: +4.1 points, 95 % interval over patients and seeds -2.8 to +11.5."""
    scale, digits, unit = _form(difference)
    ends = (difference.value, difference.low, difference.high)
    value, low, high = (f"{scale * end:+.{digits}f}" for end in ends)
    *most, last = difference.covers
    over = f"{', '.join(most)} and {last}" if most else last
    return f"{value}{unit}, {100 * difference.confidence:.3g} % interval over {over} {low} to {high}"


def magnitude(value: float, difference: Difference) -> str:
    """A size in the metric's unit, such as: 5 points, or 0.02."""
    scale, _, unit = _form(difference)
    return f"{scale * value:.3g}{unit}"


def _form(difference: Difference) -> tuple[int, int, str]:
    """Factor, digits and unit of printed numbers."""
    return (100, 1, " points") if PREDICTION_METRICS[difference.metric].unit == "%" else (1, 3, "")


def _needs(difference: Difference, wanted: float, power: float) -> Needed:
    size = Size(difference.num_patients, difference.num_seeds, difference.num_groups, difference.num_folds)
    return needed(difference.components, size, wanted, confidence=difference.confidence, power=power)


def _words(needs: Needed, difference: Difference) -> str:
    """What is needed, such as: about 300 more patients and 4 more seeds."""
    groups = "cohorts" if difference.num_cohorts > 1 else "partitions"
    counts = [(needs.patients, "patients"), (needs.seeds, "seeds"), (needs.groups, groups)]
    said = [f"{_rounded(count):,} more {name if count > 1 else name[:-1]}" for count, name in counts if count]
    return f"about {' and '.join(said)}" if said else "a few more patients"


def _rounded(count: int) -> int:
    """Two digits, rounded up: nothing is planned more exactly."""
    step = 10 ** max(0, len(str(count)) - 2)
    return -(-count // step) * step
