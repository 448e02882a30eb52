"""What a measurement was made on: hardware, versions, code, and what else the machine was doing."""

import contextlib
import dataclasses
import importlib.metadata
import os
import platform
import subprocess
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
# Share of all cores: above it, others' work is told of.
BUSY = 0.1
_LOOK_SECONDS = 0.3


@dataclasses.dataclass(frozen=True)
class Moment:
    """The machine at one moment, as the kernel counts.

    Attributes:
      load: Load average over the last minute: processes that run or want to.
      busy: CPU seconds of all processes since the machine started.
      ours: CPU seconds of this process and of those that it has waited for.
      at: Seconds of a clock of its own.
    """

    load: float
    busy: float
    ours: float
    at: float

    @classmethod
    def now(cls) -> "Moment":
        """Looks."""
        # user, nice, system, idle, iowait, irq, softirq, steal: ticks of all cores.
        ticks = [int(word) for word in Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        busy = (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")
        return cls(os.getloadavg()[0], busy, sum(os.times()[:4]), time.monotonic())

    def others_since(self, before: "Moment") -> float:
        """Share of all cores that other processes have used since a moment, 0 to 1."""
        seconds = max(self.at - before.at, 1e-3)
        share = (self.busy - before.busy - (self.ours - before.ours)) / (seconds * (os.cpu_count() or 1))
        return min(max(share, 0.0), 1.0)


def others_now() -> float:
    """Share of all cores that other processes use now."""
    before = Moment.now()
    time.sleep(_LOOK_SECONDS)
    return Moment.now().others_since(before)


def hardware() -> str:
    """Number and name of the CPUs."""
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}"


def versions() -> dict[str, str]:
    """Versions of Python and of what computes."""
    found = {"python": platform.python_version()}
    for name in ("jax", "jaxlib", "flax", "numpy", "torch"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def code() -> dict[str, Any]:
    """{commit, dirty}: of this checkout, and whether tracked files differ from it; None where git does not know."""

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(ROOT), *words], capture_output=True, text=True, timeout=10)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    changed = git("status", "--porcelain", "--untracked-files=no")
    return {"commit": git("rev-parse", "HEAD"), "dirty": None if changed is None else bool(changed)}
