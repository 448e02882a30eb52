"""Signs that a generator no longer learns: its images are all alike, or its discriminator has nothing left to learn."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

# Steps before which an untrained generator is not told from a collapsed one: it may yet learn, if it is trained on.
MIN_STEPS = 500
# An ACGAN that drew one image per class had 0.04 to 0.09 of the variety of real lesions, one that did not 0.5 and more.
_MIN_VARIETY = 0.1
# Key of the running mean of a discriminator's loss in `TrainState.health`.
DISCRIMINATOR_LOSS = "loss/discriminator"
# A discriminator that guesses has a loss of 1.39, one that errs once in a hundred about 0.02.
_MIN_DISCRIMINATOR_LOSS = 0.01


def describe_collapse(
    step: int, scored: Mapping[str, Any], class_names: Sequence[str], health: Mapping[str, float]
) -> str | None:
    """Whether a generator has collapsed, and how.

    Args:
      step: Steps taken.
      scored: What `images.score_images` returned; without a variety in it, images are not looked at.
      class_names: One name per label.
      health: Numbers of the training's state, `TrainState.health`; a generator without a discriminator has no loss of
        one.

    Returns:
      One sentence; None for a generator in order.
    """
    varieties = (scored["metrics"].get("variety") or {}).get("per_class", {})
    found = [
        f"its images of {class_names[label]} have {share:.2f} of the variety of real ones"
        for label, share in varieties.items()
        if share < _MIN_VARIETY
    ]
    if (discriminator_loss := health.get(DISCRIMINATOR_LOSS, math.inf)) < _MIN_DISCRIMINATOR_LOSS:
        found.append(f"its discriminator's loss is at zero ({discriminator_loss:.4f})")
    return f"Step {step}: the generator has collapsed: {' and '.join(found)}." if found else None
