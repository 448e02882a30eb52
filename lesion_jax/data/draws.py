"""Random numbers on the host that stay the same in every version of numpy.

numpy promises stability for its bit generators and seed sequences, not for
`Generator.permutation` and its kin; a run that is resumed on another machine needs the promise.
"""

import hashlib

import numpy as np

_UNIT = 2.0**-53


def bits(*words: int | str, count: int) -> np.ndarray:
    """Independent random words for a sequence of seeds and names.

    Args:
      *words: Seeds and names that the numbers are a function of; their order and types matter.
      count: Length of the result.

    Returns:
      uint64 [count]; the first n are the same for every `count` >= n.
    """
    digest = hashlib.sha256(repr(words).encode()).digest()
    return np.random.PCG64(int.from_bytes(digest, "little")).random_raw(count)


def permutation(*words: int | str, count: int) -> np.ndarray:
    """A random order of `count` things, int64 [count]; see `bits`."""
    return np.argsort(bits(*words, count=count), kind="stable")


def uniform(*words: int | str, count: int) -> np.ndarray:
    """Numbers in [0, 1), float64 [count]; see `bits`."""
    return (bits(*words, count=count) >> np.uint64(11)).astype(np.float64) * _UNIT
