"""Durations as people write them: steps, epochs or a share of the whole run."""

import math
import re

from lesion_jax.errors import ConfigError

_FORM = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(steps?|epochs?|%)\s*$")


def to_steps(text: str, *, field: str, steps_per_epoch: int, total_steps: int | None = None) -> int:
    """Number of steps that a duration means.

    Args:
      text: "2000 steps", "150 epochs" or "10%".
      field: Name of the config field, for the error message.
      steps_per_epoch: Steps of an epoch, rounded up: the last batch of an epoch runs into the next.
      total_steps: Steps that a percentage refers to; None where a percentage makes no sense.

    Returns:
      At least 1 for any positive duration; 0 steps stays 0 ("never").

    Raises:
      ConfigError: The text is not a duration.
    """
    match = _FORM.match(str(text))
    if not match:
        raise ConfigError(f"{field} is {text!r}; write '2000 steps', '150 epochs' or '10%'.")
    value, unit = float(match[1]), match[2]
    if value == 0:
        return 0
    if unit == "%":
        if total_steps is None:
            raise ConfigError(f"{field} is {text!r}, but there is nothing it could be a share of; use steps or epochs.")
        return max(1, round(value / 100 * total_steps))
    if unit.startswith("epoch"):
        return max(1, math.ceil(value * steps_per_epoch))
    if value != int(value):
        raise ConfigError(f"{field} is {text!r}; steps are whole.")
    return int(value)
