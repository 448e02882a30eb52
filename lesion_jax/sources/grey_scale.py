"""Grey values of what is no CT: numbers that mean something within one series only, brought to one range.

Of each series, 0 and 1000 are the 0.5th and 99.5th percentile of its pixels, the shares that nnU-Net clips at (Isensee
et al. 2021, Nature Methods 18, 203), or what the user says; what lies beyond is kept. So slices of a series keep their
contrast to each other, and series of different scanners become comparable.
"""

import dataclasses
import math
import re
from collections.abc import Iterable

import numpy as np

from lesion_jax.errors import ConfigError, DataError

VALUE_RANGE = (0.0, 1000.0)
PERCENTILES = (0.5, 99.5)
Ends = tuple[float, float]


@dataclasses.dataclass(frozen=True)
class GreyRange:
    """What becomes the lowest and the highest grey value.

    Attributes:
      low: A number as the header scales it, or a percentile of the series.
      high: Likewise, above it.
      are_percentiles: Whether they are percentiles, 0 to 100.
    """

    low: float
    high: float
    are_percentiles: bool = False

    def __str__(self) -> str:
        """As `parse_range` takes it."""
        return ",".join(f"{value:g}{'%' * self.are_percentiles}" for value in (self.low, self.high))

    def ends(self, images: Iterable[np.ndarray]) -> Ends:
        """The numbers that become 0 and 1000.

        Args:
          images: Numbers of a series, NaN where there is padding; not looked at unless percentiles are asked for.

        Raises:
          DataError: All are one; says so without a subject.
        """
        if not self.are_percentiles:
            return self.low, self.high
        # A quarter of the pixels tell the same.
        values = np.concatenate([image[::2, ::2].ravel().astype(np.float32) for image in images])
        values = values[np.isfinite(values)]
        low, high = np.percentile(values, (self.low, self.high)) if len(values) else (0.0, 0.0)
        if not high > low:
            raise DataError("all pixels are one number" if self == PERCENTILE_RANGE else f"{self} are one number")
        return float(low), float(high)


PERCENTILE_RANGE = GreyRange(*PERCENTILES, are_percentiles=True)


def parse_range(text: str) -> GreyRange:
    """The range that LOW,HIGH or LOW%,HIGH% asks for.

    Raises:
      ConfigError: It is none.
    """
    match = re.fullmatch(r"\s*([-+.0-9eE]+)\s*(%?)\s*,\s*([-+.0-9eE]+)\s*(%?)\s*", text)
    try:
        if match is None or match[2] != match[4]:
            raise ValueError
        found = GreyRange(float(match[1]), float(match[3]), are_percentiles=bool(match[2]))
    except ValueError:
        raise ConfigError(
            f"--grey_range is {text!r}; write LOW,HIGH as the header scales numbers, or percentiles as 1%,99%."
        ) from None
    most = (0.0, 100.0) if found.are_percentiles else (-math.inf, math.inf)
    if not (most[0] <= found.low < found.high <= most[1] and math.isfinite(found.high - found.low)):
        raise ConfigError(f"--grey_range is {text!r}; LOW must be below HIGH, and percentiles lie from 0 to 100.")
    return found


def to_grey(values: np.ndarray, ends: Ends) -> np.ndarray:
    """int16 grey values of numbers of any shape; NaN becomes the lowest of the range."""
    low, high = ends
    grey = (values - low) * ((VALUE_RANGE[1] - VALUE_RANGE[0]) / (high - low)) + VALUE_RANGE[0]
    limits = np.iinfo(np.int16)
    return np.rint(np.nan_to_num(grey, nan=VALUE_RANGE[0])).clip(limits.min, limits.max).astype(np.int16)
