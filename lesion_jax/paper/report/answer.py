"""First sentences of the report: their wording follows from the paired intervals, whichever arms there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from lesion_jax.paper.arms import BASELINE_WORDS

# Smallest change of accuracy that is taken for one that matters, as a share; the paper's gain was 0.07. Where an
# interval holds 0 and reaches beyond it, the run is too small to tell.
MATTERS = 0.05
# Settings that make a run smaller, or larger, than the paper's.
_SCALE = ("width", ".loop.duration")


def answer(results: Mapping[str, Any]) -> str:
    """What synthetic images did, in one sentence about every arm that has them."""
    compared = [arm for arm in results["arms"] if arm.get("generator") and arm.get("difference")]
    if not compared:
        return f"This run compares no arm with synthetic images to {BASELINE_WORDS}, so it cannot say."
    difference = compared[0]["difference"]
    caveat = "" if results["protocol"]["selection"] == "inner" else ", and optimistically so, chosen on the test folds"
    return (
        f"On {difference['n']} lesions of {difference['num_patients']} patients, against {BASELINE_WORDS}{caveat}: "
        f"{_verdicts(compared)}."
    )


def other_arms(results: Mapping[str, Any]) -> str:
    """The same about the arms without synthetic images; "" where there are none."""
    others = [arm for arm in results["arms"] if not arm.get("generator") and arm.get("difference")]
    return f"Without synthetic images, likewise: {_verdicts(others)}." if others else ""


def scale(results: Mapping[str, Any]) -> str:
    """What the run is too small for; "" where nothing says so."""
    said = []
    unsure = [arm["difference"] for arm in results["arms"] if arm.get("difference") and _is_open(arm["difference"])]
    if unsure:
        widest = max(difference["high"] - difference["low"] for difference in unsure)
        said.append(
            f"These are too few lesions to tell: the widest interval spans {100 * widest:.0f} points, where a "
            f"difference of {100 * MATTERS:.0f} would matter."
        )
    if any(one["setting"].endswith(_SCALE) for one in results["protocol"].get("departures", ())):
        said.append(
            "Networks or trainings are not of the paper's size (see Notes): nothing is said here of the paper's."
        )
    return " ".join(said)


def _verdicts(arms: Sequence[Mapping[str, Any]]) -> str:
    sure = [_verdict(arm["title"], arm["difference"]) for arm in arms if not _is_open(arm["difference"])]
    unsure = [f"{arm['title']} ({_size(arm['difference'])})" for arm in arms if _is_open(arm["difference"])]
    if unsure:
        sure.append(f"this run cannot tell whether accuracy changes with {' or '.join(unsure)}")
    return "; ".join(sure)


def _verdict(title: str, difference: Mapping[str, float]) -> str:
    size = _size(difference)
    if difference["low"] > 0:
        return f"{title} raised accuracy ({size})"
    if difference["high"] < 0:
        return f"{title} lowered accuracy ({size})"
    return f"{title} brought no change of {100 * MATTERS:.0f} points or more ({size}: within noise)"


def _size(difference: Mapping[str, float]) -> str:
    value, low, high = (f"{100 * difference[key]:+.1f}" for key in ("value", "low", "high"))
    return f"{value} points, 95 % interval over patients {low} to {high}"


def _is_open(difference: Mapping[str, float]) -> bool:
    """Whether an interval holds 0 and a change that would matter."""
    return difference["low"] <= 0 <= difference["high"] and (
        difference["low"] <= -MATTERS or difference["high"] >= MATTERS
    )
