"""First sentences of a study: the verdicts, and before them whatever makes a verdict on synthetic images void."""

import collections
from collections.abc import Mapping
from typing import Any

from lesion_jax.metrics.predictions import PREDICTION_METRICS


def answers(results: Mapping[str, Any]) -> list[str]:
    """What comes first: a sentence for each generator that is broken, then one for each scenario."""
    scenarios = results["scenarios"]
    said = list(results.get("broken", ()))
    for scenario in scenarios:
        where = f"{scenario['name']}: " if len(scenarios) > 1 else ""
        sure = [one["sentence"] for one in scenario["comparisons"] if one["word"] != "cannot tell"]
        if unsure := [_short(one) for one in scenario["comparisons"] if one["word"] == "cannot tell"]:
            sure.append(f"this cannot tell for {', '.join(unsure)}")
        text = f"{'; '.join(sure)}."
        said.append(where + text if where else text[:1].upper() + text[1:])
    return said


def _short(comparison: Mapping[str, Any]) -> str:
    difference = comparison["difference"]
    scale, digits = (100, 1) if PREDICTION_METRICS[difference["metric"]].unit == "%" else (1, 3)
    value, low, high = (f"{scale * difference[key]:+.{digits}f}" for key in ("value", "low", "high"))
    return f"{comparison['title']} ({value}; {low} to {high})"


def words(results: Mapping[str, Any]) -> str:
    """How many comparisons ended in each of the four words."""
    counted = collections.Counter(one["word"] for scenario in results["scenarios"] for one in scenario["comparisons"])
    return ", ".join(f"{word}: {counted[word]}" for word in ("gain", "loss", "no difference", "cannot tell"))


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
