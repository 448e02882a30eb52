"""Signs that a generator no longer learns: its images are all alike, or its discriminator has nothing left to learn."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lesion_jax.metrics.images import GENERATOR_METRICS

# Steps before which an untrained generator is not told from a collapsed one: it may yet learn, if it is trained on.
MIN_STEPS = 500
# Key of the running mean of a discriminator's loss in `TrainState.health`.
DISCRIMINATOR_LOSS = "loss/discriminator"
# A discriminator that guesses has a loss of 1.39, one that errs once in a hundred about 0.02.
_MIN_DISCRIMINATOR_LOSS = 0.01


def alike_classes(metrics: Mapping[str, Any]) -> list[tuple[str, dict[int, float]]]:
    """Classes whose images are one, or a few, again and again, by every metric whose row says when.

    Args:
      metrics: {name: score, or None}, as in what `images.compare` returns; a metric that is not there says nothing.

    Returns:
      (`GeneratorMetric.told_as`, {label: share of it that real images have}) of each metric that finds such classes, in
      the order of the table.
    """
    found = []
    for name, row in GENERATOR_METRICS.items():
        if row.collapsed_below is not None and (score := metrics.get(name)) is not None:
            shares = {label: share for label, share in score["per_class"].items() if share < row.collapsed_below}
            found += [(row.told_as, shares)] if shares else []
    return found


def describe_collapse(
    step: int, scored: Mapping[str, Any], class_names: Sequence[str], health: Mapping[str, float]
) -> str | None:
    """Whether a generator has collapsed, and how.

    Args:
      step: Steps taken.
      scored: What `images.score_images` returned; without a metric that tells a collapse, images are not looked at.
      class_names: One name per label.
      health: Numbers of the training's state, `TrainState.health`; a generator without a discriminator has no loss of
        one.

    Returns:
      One sentence; None for a generator in order.
    """
    found = [
        f"its images of {class_names[label]} have {share:.2f} of {told_as} of real ones"
        for told_as, shares in alike_classes(scored["metrics"])
        for label, share in shares.items()
    ]
    if (discriminator_loss := health.get(DISCRIMINATOR_LOSS, math.inf)) < _MIN_DISCRIMINATOR_LOSS:
        found.append(f"its discriminator's loss is at zero ({discriminator_loss:.4f})")
    return f"Step {step}: the generator has collapsed: {' and '.join(found)}." if found else None
