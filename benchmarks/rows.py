"""What the benchmarks share: interleaved timing, the table, and the file of rows."""

import contextlib
import importlib.metadata
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TypedDict


class Row(TypedDict):
    """One measured number.

    Attributes:
      measure: What was measured, with its sizes.
      value: In `unit`.
      unit: "ms", "s", "images/s", "%", "MiB", or what is counted.
      peer: What it is compared with, measured in the same run; empty where there is nothing.
      ratio: How many times better than the peer; of trials the share that went well; 1 where there is no peer.
      must: The ratio that is asked for; 0 where nothing is.
    """

    measure: str
    value: float
    unit: str
    peer: str
    ratio: float
    must: float


def interleaved_seconds(functions: Mapping[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median wall time of each function, called in turn so that a busy machine disturbs all alike.

    Args:
      functions: Name -> a call that returns when its work is done. Each is called once more, before timing.
      repeats: Timed calls of each.

    Returns:
      Name -> seconds.
    """
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(repeats):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            taken[name].append(time.perf_counter() - start)
    return {name: median(values) for name, values in taken.items()}


def write_rows(rows: Sequence[Row], out: Path | None) -> None:
    """Prints the rows as a table and, where `out` is given, writes them as JSON, whole or not at all.

    The file is {"hardware": ..., "versions": ..., "rows": [...]}.
    """
    width = max(len(row["measure"]) for row in rows)
    print(f"{'measure':{width}}  {'value':>12} {'unit':8}  {'ratio':>8}  {'must':>5}  peer")
    for row in rows:
        value = f"{row['value']:,.1f}" if row["value"] >= 10 else f"{row['value']:.3g}"
        must = f"{row['must']:.2f}" if row["must"] else ""
        print(f"{row['measure']:{width}}  {value:>12} {row['unit']:8}  {row['ratio']:8.2f}  {must:>5}  {row['peer']}")
    if out is None:
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=out.parent, suffix=".part", delete=False) as file:
        json.dump({"hardware": _hardware(), "versions": _versions(), "rows": list(rows)}, file, indent=1)
    os.replace(file.name, out)


def _hardware() -> str:
    cpus = Path("/proc/cpuinfo")
    lines = cpus.read_text().splitlines() if cpus.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{os.cpu_count()} x {names[0] if names else platform.machine()}"


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in ("jax", "jaxlib", "flax", "torch"):
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found
