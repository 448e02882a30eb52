"""Seconds from the command to the first step of a program: the first process of a sweep, and a later one of it.

    python benchmarks/warm_start.py --workdir /tmp/warm --out warm_start.json

Both programs have the same shape; the second finds what the first has compiled, and its augmented images.
"""

import os
import shutil
import signal
import time
from pathlib import Path

from rows import Row, Spread, begin, parser_of, sized, write_rows
from trials import ROOT, Job, make_data, wait_for


def main() -> None:
    """Measures, prints and writes."""
    parser = parser_of(__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="scratch; only what this script makes is removed")
    parser.add_argument("--width", type=int, default=16, help="W of both networks of a DCGAN")
    parser.add_argument("--repeats", type=int, default=3)
    flags = begin(parser)
    flags.workdir.mkdir(parents=True, exist_ok=True)
    _, dataset = make_data(flags.workdir)
    sweep = flags.workdir / "sweep"
    cold, warm = [], []
    for _ in range(flags.repeats):
        shutil.rmtree(sweep, ignore_errors=True)
        cold.append(_seconds_to_first_step(sweep, dataset, flags.width, 0))
        warm.append(_seconds_to_first_step(sweep, dataset, flags.width, 1))
    first, second = Spread.of(cold), Spread.of(warm)
    row = Row(
        measure=sized(
            "command to first step, second process of a sweep, DCGAN",
            width=flags.width,
            batch=64,
            image=64,
            dtype="float32",
            device="1 x cpu",
        ),
        value=second,
        unit="s",
        peer=f"the first process, {first.median:.1f} s",
        ratio=first.median / second.median,
        # 0.3 of the time.
        must=1 / 0.3,
    )
    write_rows([row], flags)


def _seconds_to_first_step(sweep: Path, dataset: Path, width: int, index: int) -> float:
    words = (
        "sweep",
        f"--config={ROOT}/configs/sweep.py",
        f"--config.base.data.dataset={dataset}",
        f"--config.base.width={width}",
        f"--config.base.discriminator_width={width}",
        "--config.base.data.classic_size=500",
        "--config.base.data.label=cyst",
        # So little that each cell is a program of its own.
        "--config.device_memory=0.2",
        "--config.grid=(('seed', (0, 1)),)",
        "--config.base.loop.log_every=1 steps",
        f"--workdir={sweep}",
        f"--index={index}",
    )
    metrics = sweep / "cells" / f"{index:04d}" / "metrics.jsonl"
    start = time.perf_counter()
    process = Job("sweep", words, sweep).start()
    wait_for(process, lambda: metrics.exists() and metrics.stat().st_size > 0)
    seconds = time.perf_counter() - start
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return seconds


if __name__ == "__main__":
    main()
