"""Spoils storage as disks and users do, continues, and compares with a run that was left alone.

    python benchmarks/storage_faults.py --workdir /tmp/faults --out storage_faults.json

Every file of the newest checkpoint of an interrupted DCGAN emptied, truncated, removed, or with a byte flipped, at
places drawn from --seed. A disk that is full in the middle of a save (a small tmpfs, which takes root). Two processes
on one run directory. A lock file that a killed process left. Some minutes on two cores.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rows import Row, begin, parser_of, write_rows
from same_results import differences, results_of
from trials import Job, emptied, make_data, train_job, wait_for

_EVERY = "--config.loop.checkpoint_every=20 steps"


def main() -> None:
    """Tries, prints and writes; exit status 1 where something was lost."""
    parser = parser_of(__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="emptied folder for everything that is made")
    parser.add_argument("--seed", type=int, default=0, help="of the places that are spoilt")
    parser.add_argument("--most", type=int, default=0, help="of the spoilt files, drawn from --seed; 0 for all of them")
    flags = begin(parser)
    folder = emptied(parser, flags.workdir)
    _, dataset = make_data(folder)
    job = train_job(folder, dataset, "dcgan", "--config.data.label=cyst", _EVERY)
    job.finish()
    expected = results_of(job.out)
    trials: dict[str, Callable[[], tuple[int, int]]] = {
        "files of the newest checkpoint spoilt": lambda: _spoilt_files(
            job, expected, random.Random(flags.seed), flags.most
        ),
        "disk full in the middle of a save": lambda: _full_disk(folder, dataset),
        "second process on a run refused, the first named": lambda: _two_processes(job, expected),
        "lock of a killed process": lambda: _stale_lock(job, expected),
    }
    rows, all_survived = [], True
    for name, trial in trials.items():
        tried, survived = trial()
        all_survived &= tried == survived
        peer = f"{tried} tried" if tried else "not tried: needs root"
        rows.append(
            Row(
                measure=f"{name}: survived",
                value=survived,
                unit="trials",
                peer=peer,
                ratio=survived / max(tried, 1),
                must=0.0,
            )
        )
    write_rows(rows, flags)
    sys.exit(0 if all_survived else 1)


def _spoil(path: Path, how: str, draw: random.Random) -> None:
    content = bytearray(path.read_bytes())
    if how == "removed":
        path.unlink()
    elif how == "flipped":
        content[draw.randrange(len(content))] ^= 1 << draw.randrange(8)
        path.write_bytes(content)
    else:
        path.write_bytes(content[: draw.randrange(len(content)) if how == "truncated" else 0])


def _spoilt_files(job: Job, expected: dict[str, str], draw: random.Random, most: int) -> tuple[int, int]:
    half = Job(job.name, (*job.words, "--config.loop.duration=60 steps"), job.out)
    half.clear()
    half.finish()
    kept = job.out.with_name("kept")
    shutil.copytree(job.out, kept)
    files = [path.relative_to(kept) for path in sorted((kept / "checkpoints" / "60").rglob("*")) if path.is_file()]
    trials = [
        (file, how)
        for file in files
        for how in ("emptied", "truncated", "removed", "flipped")
        if (kept / file).stat().st_size or how == "removed"
    ]
    survived = 0
    trials = draw.sample(trials, most) if most else trials
    for file, how in trials:
        job.clear()
        shutil.copytree(kept, job.out)
        _spoil(job.out / file, how, draw)
        text = job.finish()
        lost = differences(expected, results_of(job.out))
        survived += not lost
        stepped_back = "checkpoints/40 is used instead" in text
        print(f"{file} {how}: {'step 40 used' if stepped_back else 'not noticed, nothing lost'}{lost or ''}")
    return len(trials), survived


@contextmanager
def _small_disk(place: Path, num_bytes: int) -> Iterator[None]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={num_bytes}", "tmpfs", str(place)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def _full_disk(folder: Path, dataset: Path) -> tuple[int, int]:
    if os.geteuid():
        return 0, 0
    # A checkpoint of some 11 MiB.
    words = ("--config.data.label=cyst", "--config.width=16", "--config.discriminator_width=16", _EVERY)
    aside = train_job(folder, dataset, "dcgan", *words, name="aside")
    aside.finish()
    with _small_disk(folder / "disk", 200 * 2**20):
        job = train_job(folder / "disk", dataset, "dcgan", *words, name="full")
        process = job.start(text=True)
        wait_for(process, lambda: (job.out / "checkpoints" / "20").exists())
        # Held where it is, it writes nothing into the room that is measured.
        os.killpg(process.pid, signal.SIGSTOP)
        filler = folder / "disk" / "filler"
        filler.write_bytes(bytes(max(shutil.disk_usage(folder / "disk").free - 3 * 2**20, 0)))
        os.killpg(process.pid, signal.SIGCONT)
        text, _ = process.communicate()
        said = process.returncode == 2 and "MiB could not be written" in text and "checkpoints are whole" in text
        print(text.strip().splitlines()[-1])
        filler.unlink()
        job.finish()
        same = not differences(results_of(aside.out), results_of(job.out))
    return 1, int(said and same)


def _two_processes(job: Job, expected: dict[str, str]) -> tuple[int, int]:
    job.clear()
    first = job.start(text=True)
    wait_for(first, lambda: (job.out / "checkpoints").exists())
    # Held where it is, it cannot end before the second has come.
    os.killpg(first.pid, signal.SIGSTOP)
    second = job.start(text=True)
    text, _ = second.communicate()
    print(text.strip().splitlines()[-1])
    os.killpg(first.pid, signal.SIGCONT)
    first.communicate()
    refused = second.returncode == 2 and f"process {first.pid} " in text
    return 1, int(refused and first.returncode == 0 and not differences(expected, results_of(job.out)))


def _stale_lock(job: Job, expected: dict[str, str]) -> tuple[int, int]:
    job.clear()
    process = job.start(text=True)
    wait_for(process, lambda: (job.out / "checkpoints").exists())
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    left = (job.out / ".lock").exists()
    job.finish()
    return 1, int(left and not differences(expected, results_of(job.out)))


if __name__ == "__main__":
    main()
