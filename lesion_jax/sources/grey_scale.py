"""Grey values of what is no CT: numbers that mean something within one series only, brought to one range.

Of each series, 0 and 1000 are the 0.5th and 99.5th percentile of its pixels, the shares that nnU-Net clips at (Isensee
et al. 2021, Nature Methods 18, 203); what lies beyond is kept. So slices of a series keep their contrast to each other,
and series of different scanners become comparable. Of PET, uptake values are lost.
"""

from collections.abc import Iterable

import numpy as np

from lesion_jax.errors import DataError

VALUE_RANGE = (0.0, 1000.0)
PERCENTILES = (0.5, 99.5)
Ends = tuple[float, float]


def find_ends(images: Iterable[np.ndarray]) -> Ends:
    """The numbers that become 0 and 1000.

    Args:
      images: Numbers of a series, NaN where there is padding.

    Raises:
      DataError: All are one; says so without a subject.
    """
    # A quarter of the pixels tell the same.
    values = np.concatenate([image[::2, ::2].ravel().astype(np.float32) for image in images])
    values = values[np.isfinite(values)]
    low, high = np.percentile(values, PERCENTILES) if len(values) else (0.0, 0.0)
    if not high > low:
        raise DataError("all pixels are one number")
    return float(low), float(high)


def to_grey(values: np.ndarray, ends: Ends) -> np.ndarray:
    """int16 grey values of numbers of any shape; NaN becomes the lowest of the range."""
    low, high = ends
    grey = (values - low) * ((VALUE_RANGE[1] - VALUE_RANGE[0]) / (high - low)) + VALUE_RANGE[0]
    limits = np.iinfo(np.int16)
    return np.rint(np.nan_to_num(grey, nan=VALUE_RANGE[0])).clip(limits.min, limits.max).astype(np.int16)
