"""Keeps a few batches ahead on the devices, so that a step finds its data already there."""

import collections
from collections.abc import Iterable, Iterator
from typing import Any

from lesion_jax.runtime import parallel


def prefetch_to_devices(batches: Iterable[Any], devices: list[parallel.Device], depth: int = 2) -> Iterator[Any]:
    """Sends host batches to the devices ahead of use; transfers run while steps run.

    Args:
      batches: Trees of numpy arrays [B, ...].
      devices: D devices; B is a multiple of D.
      depth: Batches on the devices besides the one in use, at least 1.

    Yields:
      Trees of device arrays [D, B / D, ...], in order, each batch once.
    """
    waiting: collections.deque[Any] = collections.deque()
    for batch in batches:
        waiting.append(parallel.shard_batch(batch, devices))
        if len(waiting) > depth:
            yield waiting.popleft()
    yield from waiting
