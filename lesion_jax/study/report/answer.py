"""First sentences of a study: the verdicts, and before them whatever makes a verdict on synthetic images void."""

import collections
from collections.abc import Mapping, Sequence
from typing import Any

from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.metrics.titles import in_sentence
from lesion_jax.study.comparisons import FEW


def answers(results: Mapping[str, Any]) -> list[str]:
    """What comes first: a sentence for each generator that is broken, then the comparisons of each scenario."""
    scenarios, rule = results["scenarios"], results["rule"]
    said = list(results.get("broken", ()))
    for scenario in scenarios:
        where = f"{scenario['name']}: " if len(scenarios) > 1 else ""
        some = scenario["comparisons"]
        text = _each(some) if len(some) <= FEW else f"Against {rule['baseline_title']}, {_by_word(some, rule)}"
        said.append(f"{where}{text}.")
        if best := scenario["over_best"]:
            # Pairs of retrainings are the same for all arms, so one arm is best for all.
            said.append(
                f"{where}Against the best of the arms that need no generator, which came out to be {best[0]['best']}, "
                f"{_by_word(best, rule)}."
            )
    return said


def _each(comparisons: Sequence[Mapping[str, Any]]) -> str:
    sure = [one["sentence"] for one in comparisons if one["word"] != "cannot tell"]
    if unsure := [_short(one) for one in comparisons if one["word"] == "cannot tell"]:
        sure.append(f"this cannot tell for {', '.join(unsure)}")
    text = "; ".join(sure)
    return text[:1].upper() + text[1:]


def _by_word(comparisons: Sequence[Mapping[str, Any]], rule: Mapping[str, Any]) -> str:
    """The arms of each word, the best first."""
    metric = PREDICTION_METRICS[rule["metric"]]
    sign = -1 if metric.better == "higher" else 1
    ordered = sorted(comparisons, key=lambda one: sign * one["difference"]["value"])
    groups = {word: [_short(one) for one in ordered if one["word"] == word] for word in _WORDS}
    listed = "; ".join(f"{_WORDS[word]} {', '.join(some)}" for word, some in groups.items() if some)
    return f"{in_sentence(metric.title)}: {listed}"


_WORDS = {
    "gain": "a gain with",
    "loss": "a loss with",
    "no difference": "no difference with",
    "cannot tell": "it cannot tell for",
}


def _short(comparison: Mapping[str, Any]) -> str:
    difference = comparison["difference"]
    scale, digits = (100, 1) if PREDICTION_METRICS[difference["metric"]].unit == "%" else (1, 3)
    value, low, high = (f"{scale * difference[key]:+.{digits}f}" for key in ("value", "low", "high"))
    return f"{comparison['title']} ({value}; {low} to {high})"


def words(results: Mapping[str, Any]) -> str:
    """How many comparisons ended in each of the four words."""
    counted = collections.Counter(one["word"] for scenario in results["scenarios"] for one in scenario["comparisons"])
    return ", ".join(f"{word}: {counted[word]}" for word in _WORDS)


def smallest(results: Mapping[str, Any], scale: int) -> str:
    """What the study was able to show."""
    found = [one["smallest_difference"] for scenario in results["scenarios"] for one in scenario["comparisons"]]
    low, high = min(found), max(found)
    unit = " points" if scale == 100 else ""
    if high == float("inf"):
        return (
            "With one retraining nothing is known of what retraining does, so no difference can be shown; give more "
            "seeds."
        )
    digits = 1 if scale == 100 else 3
    span = " to ".join(dict.fromkeys(f"{scale * end:.{digits}f}" for end in (low, high)))
    return (
        f"Smallest true differences that this study shows with a power of 80 %: {span}{unit}, by the variances that it "
        "found."
    )
