"""First sentences of the report: the verdicts on the arms, whichever there are."""

from collections.abc import Mapping, Sequence
from typing import Any

from lesion_jax.paper.arms import BASELINE_WORDS

# Settings that make a run smaller, or larger, than the paper's.
_SCALE = ("width", ".loop.duration")


def answer(results: Mapping[str, Any]) -> str:
    """What synthetic images did, with a verdict on every arm that has them; what cannot be told comes last.

    Where a generator failed, that comes before any verdict.
    """
    compared = [arm for arm in results["arms"] if arm.get("generator") and arm.get("difference")]
    if not compared:
        return f"This run compares no arm with synthetic images to {BASELINE_WORDS}, so it cannot say."
    difference = compared[0]["difference"]
    caveat = "" if results["protocol"]["selection"] == "inner" else ", and optimistically so, chosen on the test folds"
    said = (
        f"On {difference['num_lesions']} lesions of {difference['num_patients']} patients, against "
        f"{BASELINE_WORDS}{caveat}: {_verdicts(compared)}."
    )
    return " ".join([*results["broken"], said])


def other_arms(results: Mapping[str, Any]) -> str:
    """The same about the arms without synthetic images; "" where there are none."""
    others = [arm for arm in results["arms"] if not arm.get("generator") and arm.get("difference")]
    return f"Without synthetic images, likewise: {_verdicts(others)}." if others else ""


def scale(results: Mapping[str, Any]) -> str:
    """Whether the run is of the paper's size; "" where it is."""
    if any(one["setting"].endswith(_SCALE) for one in results["protocol"].get("departures", ())):
        return "Networks or trainings are not of the paper's size (see Notes): nothing is said here of the paper's."
    return ""


def _verdicts(arms: Sequence[Mapping[str, Any]]) -> str:
    verdicts = [arm["difference"]["verdict"] for arm in arms]
    return "; ".join(one["sentence"] for one in sorted(verdicts, key=lambda one: one["word"] == "cannot tell"))
