"""Time and memory of reading much: many slices, many lesions on few slices, many files that are nothing.

    python benchmarks/build_scale.py --workdir /tmp/build_scale --out benchmarks/results/build_scale.json

Each reading is a process of its own; CPU-seconds count what it used, however busy the machine is, and memory is its
peak. Two minutes on two cores.
"""

import csv
import resource
import shutil
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
from from_tests import make_ct
from rows import Row, begin, parser_of, write_rows
from trials import emptied

_HEADER = ("sop_instance_uid", "row", "column", "diameter_mm", "label")
# Pixels of a slice, and lesions on it.
_SIDE, _PLACES = 512, 60


def main() -> None:
    """Writes, reads, prints."""
    parser = parser_of(__doc__)
    parser.add_argument("--workdir", type=Path, required=True, help="emptied folder for everything that is made")
    parser.add_argument("--slices", type=int, default=2000, help="with a lesion each")
    parser.add_argument("--lesions", type=int, default=3600, help=f"on slices of {_PLACES}")
    parser.add_argument("--junk", type=int, default=100_000, help="files that are no images")
    flags = begin(parser)
    workdir = emptied(parser, flags.workdir)
    few = -(-flags.lesions // _PLACES)
    slices = _write(workdir / "slices", flags.slices, flags.slices)
    lesions = _write(workdir / "lesions", few, flags.lesions)
    junk = _write(workdir / "junk", 10, 10)
    for number in range(flags.junk):
        place = junk / "in" / f"junk{number % 100}"
        place.mkdir(exist_ok=True)
        (place / f"{number}.txt").write_bytes(b"no image at all " * 40)
    nothing = _measure(junk, 0)
    rows = []
    for folder, count, what, most_seconds in (
        (slices, flags.slices, f"{flags.slices} slices with a lesion each", flags.slices / 200),
        (lesions, flags.lesions, f"{flags.lesions} lesions on {few} slices", 0.0),
        (junk, 10, f"10 slices among {flags.junk} files of junk", 12.0),
    ):
        seconds, wall, memory = _measure(folder, count)
        rows += [
            _asked(f"{what}: CPU after imports", seconds - nothing[0], "s", most_seconds),
            _asked(f"{what}: wall, imports too", wall, "s"),
            _asked(f"{what}: most memory", memory, "MiB", 800.0),
        ]
    shutil.rmtree(workdir)
    write_rows(rows, flags)


def _asked(measure: str, value: float, unit: str, most: float = 0.0) -> Row:
    """A row of what should be `most` at most; 0 asks nothing."""
    if not most:
        return Row(measure=measure, value=value, unit=unit)
    return Row(measure=measure, value=value, unit=unit, peer=f"asked: {most:g} at most", ratio=most / value, must=1.0)


def _write(folder: Path, num_slices: int, num_lesions: int) -> Path:
    """Slices of noise, each a patient's own, and a csv; the folder."""
    (folder / "in").mkdir(parents=True)
    rows = []
    for index in range(num_slices):
        noise = np.random.default_rng(index).integers(-50, 150, (_SIDE, _SIDE)).astype(np.int16)
        noise[:20] = -1000
        pydicom.dcmwrite(folder / "in" / f"{index}", make_ct(noise, uid=f"1.2.{index}", PatientID=f"P{index}"))
        for place in range(-(-num_lesions // num_slices)):
            rows.append((f"1.2.{index}", 100 + place // 8 * 40, 100 + place % 8 * 40, 12, "ab"[index % 2]))
    with (folder / "lesions.csv").open("w", newline="") as file:
        csv.writer(file).writerows([_HEADER, *rows[:num_lesions]])
    return folder


def _measure(folder: Path, num_lesions: int) -> tuple[float, float, float]:
    """CPU-seconds, wall seconds and MiB of reading a folder; of the imports alone where there is nothing to read."""
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(_read, folder, num_lesions).result()


def _read(folder: Path, num_lesions: int) -> tuple[float, float, float]:
    start = time.perf_counter()
    from lesion_jax.sources import dicom_slice
    from lesion_jax.sources.cohort import read_lesions

    assert dicom_slice
    if num_lesions:
        found = read_lesions(folder / "in", folder / "lesions.csv")
        assert len(found.lesions) == num_lesions
    used = resource.getrusage(resource.RUSAGE_SELF)
    return time.process_time(), time.perf_counter() - start, used.ru_maxrss / 1024


if __name__ == "__main__":
    main()
