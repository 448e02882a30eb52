"""Kills commands at random moments, runs them again until they end, and compares with an uninterrupted run.

    python benchmarks/kills.py --workdir /tmp/kills --out kills.json
    python benchmarks/kills.py --workdir /tmp/kills --only train --kills 4
    python benchmarks/kills.py --workdir /tmp/kills --only "train classifier" --kills 20 --signal INT

SIGKILL to `build`, `train` (GANs, diffusion, classifier, classifier with a synthetic bank), `sample` and `paper`, at
moments drawn from --seed and uniform over the time that the command takes. Every file must come out the same to the
bit, wall times excepted (`same_results.py`). About twenty minutes on two cores.
"""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rows import Row, begin, parser_of, write_rows
from same_results import differences, results_of
from trials import Job, build_job, emptied, make_data, mixed_job, paper_job, sample_job, train_job

# Of all kills, which go where.
SHARES = {
    "build": 8,
    "train dcgan": 8,
    "train acgan": 6,
    "train rpgan": 4,
    "train inpaint": 4,
    "train classifier": 8,
    "train mixed": 6,
    "sample": 8,
    "paper": 12,
}


# Exit status of a command that a signal asked to end.
_AGAIN = {signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGINT: 130}


def main() -> None:
    """Tries, prints and writes; exit status 1 where a result differs."""
    parser = parser_of(__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="emptied folder for everything that is made")
    parser.add_argument("--kills", type=int, default=sum(SHARES.values()), help="over all commands")
    parser.add_argument("--seed", type=int, default=0, help="of the moments")
    parser.add_argument(
        "--signal",
        default="KILL",
        choices=("KILL", "TERM", "USR1", "INT"),
        help="TERM and USR1 must end with status 75, INT with 130, or 0 in the last moments, or by it in the first",
    )
    parser.add_argument("--only", default="", help="commands whose name begins so")
    flags = begin(parser)
    folder = emptied(parser, flags.workdir)
    studies, dataset = make_data(folder)
    draw = random.Random(flags.seed)
    chosen = {name: share for name, share in SHARES.items() if name.startswith(flags.only)}
    rows, all_same = [], True
    for name, share in chosen.items():
        num_kills = max(1, round(flags.kills * share / sum(chosen.values())))
        job = _job(name, folder, studies, dataset)
        killed, differing, seconds = _try(job, num_kills, draw, signal.Signals[f"SIG{flags.signal}"])
        all_same &= not differing
        measure = f"{name}: kills after which the results were the same to the bit"
        peer = f"{killed} times SIG{flags.signal}, seed {flags.seed}; uninterrupted {seconds:.0f} s"
        same = 0 if differing else killed
        rows.append(Row(measure=measure, value=same, unit="kills", peer=peer, ratio=same / killed, must=0.0))
    write_rows(rows, flags)
    sys.exit(0 if all_same else 1)


def _job(name: str, folder: Path, studies: Path, dataset: Path) -> Job:
    makers: dict[str, Callable[[], Job]] = {
        "build": lambda: build_job(folder, studies),
        "train dcgan": lambda: train_job(folder, dataset, "dcgan", "--config.data.label=cyst"),
        "train acgan": lambda: train_job(folder, dataset, "acgan"),
        "train rpgan": lambda: train_job(folder, dataset, "rpgan"),
        "train inpaint": lambda: train_job(folder, dataset, "inpaint"),
        "train classifier": lambda: train_job(folder, dataset, "classifier"),
        "train mixed": lambda: mixed_job(folder, dataset, _bank(folder, dataset)),
        "sample": lambda: sample_job(folder, _gan(folder, dataset)),
        "paper": lambda: paper_job(folder),
    }
    return makers[name]()


def _gan(folder: Path, dataset: Path) -> Path:
    job = train_job(folder, dataset, "acgan", name="parent")
    job.finish()
    return job.out


def _bank(folder: Path, dataset: Path) -> Path:
    job = sample_job(folder / "for_mixed", _gan(folder, dataset))
    job.clear()
    job.finish()
    return job.out


def _try(job: Job, num_kills: int, draw: random.Random, number: signal.Signals) -> tuple[int, list[str], float]:
    """(kills, names that differ, seconds of the uninterrupted run)."""
    job.clear()
    start = time.monotonic()
    job.finish()
    seconds = time.monotonic() - start
    expected = results_of(job.out)
    killed, differing = 0, []
    while killed < num_kills:
        job.clear()
        while not _ends(job, draw.uniform(0.0, seconds) if killed < num_kills else None, number):
            killed += 1
            print(f"{job.name}: kill {killed} of {num_kills}", file=sys.stderr, flush=True)
        differing += differences(expected, results_of(job.out))
        if differing:
            print(f"{job.name}: differs in {', '.join(differing)}", file=sys.stderr, flush=True)
            break
    return killed, differing, seconds


def _ends(job: Job, end_after: float | None, number: signal.Signals) -> bool:
    """Runs a command, and sends it a signal after some seconds; False where that ended it before its time."""
    process = job.start(text=True)
    allowed = {0}
    try:
        text, _ = process.communicate(timeout=end_after)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, number)
        text, _ = process.communicate()
        # By the signal itself where the command has not taken it over yet.
        allowed |= {-number} if number == signal.SIGKILL else {-number, _AGAIN[number]}
    if process.returncode not in allowed:
        raise RuntimeError(f"{job.name} ended with status {process.returncode}: {text[-2000:]}")
    return process.returncode == 0


if __name__ == "__main__":
    main()
