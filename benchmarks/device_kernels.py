"""Which kernels a call's time goes to, from JAX's profiler."""

import collections
import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax


@dataclasses.dataclass(frozen=True)
class Kernels:
    """What ran on the device during a call.

    Attributes:
      count: Kernels.
      busy: Share of the time from the first to the end of the last in which one ran.
      seconds: By name, the longest first.
    """

    count: int
    busy: float
    seconds: dict[str, float]


def profile(call: Callable[[], Any], wait: Callable[[Any], object]) -> Kernels:
    """Kernels of one call, which has been made before.

    On a CPU, for a rehearsal, whatever the profiler tells of counts.
    """
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            wait(call())
        planes = [
            plane
            for path in Path(folder).rglob("*.xplane.pb")
            for plane in jax.profiler.ProfileData.from_file(str(path)).planes
        ]
        is_gpu = jax.default_backend() == "gpu"
        lines = [
            line
            for plane in planes
            for line in plane.lines
            if not is_gpu or ("GPU" in plane.name and "Stream" in line.name)
        ]
        total: collections.Counter[str] = collections.Counter()
        spans = []
        for line in lines:
            for event in line.events:
                total[event.name] += event.duration_ns
                spans.append((event.start_ns, event.start_ns + event.duration_ns))
    spans.sort()
    busy, end = 0.0, 0.0
    for first, last in spans:
        busy += max(0.0, last - max(first, end))
        end = max(end, last)
    whole = end - spans[0][0] if spans else 1.0
    return Kernels(len(spans), busy / whole, {name: value / 1e9 for name, value in total.most_common()})
