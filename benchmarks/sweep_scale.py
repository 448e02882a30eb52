"""Sweeps of many cells: 200 tiny classifiers to their end, and 1,000 cells planned, told and collected.

    python benchmarks/sweep_scale.py --workdir /tmp/scale --out benchmarks/results/sweep_scale.json
    python benchmarks/sweep_scale.py --workdir /tmp/scale --trained 4 --cells 50

Each command is a process of its own: wall and CPU seconds and the largest memory of it alone. The cells of the large
sweep are copies of a trained one, of which each has its own directory and files. Five minutes on two cores.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from rows import Row, Spread, begin, parser_of, sized, write_rows
from trials import ROOT, emptied, make_data

from lesion_jax.data.cohort import Cohort
from lesion_jax.sweep.config import SweepConfig
from lesion_jax.sweep.directory import Sweep, open_sweep

# Asked for of 1,000 cells.
_MOST_SECONDS, _MOST_MIB = 10.0, 1024.0
_SMALL = (
    "--config.base.width=4",
    "--config.base.data.image_size=32",
    "--config.base.data.batch_size=16",
    "--config.base.data.classic_size=60",
    "--config.base.loop.duration=40 steps",
)
_CONFIG = """
from lesion_jax.config import ClassifierConfig, SweepConfig, to_config_dict


def get_config():
    grid = (("learning_rate", ({rates})), ("seed", tuple(range({seeds}))))
    return to_config_dict(SweepConfig(base=ClassifierConfig(), grid=grid))
"""


class Cost(NamedTuple):
    """What a process took: wall and CPU seconds, MiB at most."""

    wall: float
    cpu: float
    mib: float


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="emptied folder for everything that is made")
    parser.add_argument("--trained", type=int, default=200, help="cells that are trained")
    parser.add_argument("--repeats", type=int, default=3, help="of each command on the large sweep")
    parser.add_argument("--cells", type=int, default=1000, help="cells that are planned, told and collected")
    flags = begin(parser)
    folder = emptied(parser, flags.workdir)
    _, dataset = make_data(folder)

    def named(what: str) -> str:
        name = f"sweep of {flags.trained} classifiers of 40 steps, {what}"
        return sized(name, width=4, batch=16, image=32, dtype="float32", packing="auto", device="1 x cpu")

    small = _config(folder / "small.py", flags.trained, dataset)
    trained = _run("sweep", *small, f"--workdir={folder}/small")
    rows = [
        Row(measure=named("a cell"), value=trained.wall / flags.trained, unit="s"),
        Row(measure=named("CPU time of a cell"), value=trained.cpu / flags.trained, unit="s"),
        Row(measure=named("memory"), value=trained.mib, unit="MiB"),
    ]
    large = _config(folder / "large.py", flags.cells, dataset)
    _fill(folder / "large", folder / "small" / "cells" / "0000", flags.cells, dataset)
    told = f"--workdir={folder}/large"
    for name, words in (
        ("plan --nomeasure", ("plan", "--nomeasure", *large)),
        ("sweep --status", ("sweep", told, "--status")),
        ("sweep --collect", ("sweep", told, "--collect")),
        ("sweep, finished", ("sweep", *large, told)),
    ):
        costs = zip(*(_run(*words) for _ in range(flags.repeats)), strict=True)
        wall, cpu, mib = (Spread.of(values) for values in costs)
        rows += [
            _row(f"{name}, {flags.cells} cells", wall, "s", _MOST_SECONDS),
            _row(f"{name}, {flags.cells} cells: CPU time", cpu, "s", _MOST_SECONDS),
            _row(f"{name}, {flags.cells} cells: memory", mib, "MiB", _MOST_MIB),
        ]
    write_rows(rows, flags)


def _row(measure: str, value: Spread, unit: str, most: float) -> Row:
    peer = f"asked: {most:g} {unit} at most"
    return Row(measure=measure, value=value, unit=unit, peer=peer, ratio=most / value.median, must=1.0)


def _config(path: Path, cells: int, dataset: Path) -> tuple[str, ...]:
    path.write_text(_CONFIG.format(rates="1e-3, 5e-4", seeds=cells // 2))
    return (f"--config={path}", f"--config.base.data.dataset={dataset}", *_SMALL)


def _fill(workdir: Path, like: Path, cells: int, dataset: Path) -> None:
    """A finished sweep, each of whose cells is a copy of one."""
    small = open_sweep(like.parents[1]).config
    rates, _ = small.grid
    config = SweepConfig(base=small.base, grid=(rates, ("seed", tuple(range(cells // 2)))))
    sweep = Sweep.of(config, workdir)
    sweep.claim(Cohort.load(dataset))
    for cell in sweep.cells:
        shutil.copytree(like, sweep.directory(cell.index))


# In a process that is small itself: a child's largest memory counts from what its parent held when it was forked.
_MEASURE = """
import json, os, subprocess, sys, time
start = time.perf_counter()
process = subprocess.Popen([sys.executable, *sys.argv[1:]], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
text = process.stderr.read().decode(errors="replace")
_, status, used = os.wait4(process.pid, 0)
cost = [time.perf_counter() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]
print(json.dumps({"cost": cost, "status": os.waitstatus_to_exitcode(status), "text": text[-2000:]}))
"""


def _run(*words: str) -> Cost:
    """Runs a command of lesion-jax; RuntimeError where it fails."""
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", _MEASURE, "-m", "lesion_jax", *words]
    found = json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
    if found["status"]:
        raise RuntimeError(f"{' '.join(words)} ended with status {found['status']}: {found['text']}")
    return Cost(*found["cost"])


if __name__ == "__main__":
    main()
