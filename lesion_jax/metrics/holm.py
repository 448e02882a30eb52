"""Several arms against one baseline: Holm's step-down."""

import dataclasses
from collections.abc import Mapping
from typing import TypeVar

from lesion_jax.metrics.best import OverBest
from lesion_jax.metrics.statistics import Difference

Compared = TypeVar("Compared", Difference, OverBest)


def holm(differences: Mapping[str, Compared], confidence: float = 0.95) -> dict[str, Compared]:
    """Adjusts comparisons for each other (Holm 1979): the chance of any false one is at most 1 - confidence.

    The arm with the smallest p of m is held to (1 - confidence) / m, the next to (1 - confidence) / (m - 1), and so on
    until one fails; all that are left are held to the level of the one that failed. Each interval has the confidence
    that its arm was held to, so it excludes 0 exactly where the adjusted p is below 1 - confidence.

    Args:
      differences: By arm; p and intervals as `compare` or `over_best` gives them.
      confidence: Of the family, two-sided, in (0, 1).

    Returns:
      The same arms in the same order, with adjusted_p, num_compared, family_confidence and intervals of their own
      confidence.
    """
    alpha, total = 1 - confidence, len(differences)
    adjusted, failed = 0.0, 0.0
    found: dict[str, Compared] = {}
    for step, name in enumerate(sorted(differences, key=lambda name: differences[name].p)):
        one, factor = differences[name], total - step
        adjusted = max(adjusted, min(1.0, factor * one.p))
        if not failed and adjusted > alpha:
            failed = alpha / factor
        at_its_level = one.at(1 - (failed or alpha / factor))
        found[name] = dataclasses.replace(
            at_its_level, adjusted_p=adjusted, num_compared=total, family_confidence=confidence
        )
    return {name: found[name] for name in differences}
