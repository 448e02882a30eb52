"""Time and memory of reading much: many slices, many lesions on few slices, many files that are nothing.

    python benchmarks/build_scale.py --workdir /tmp/build_scale --out benchmarks/results/build_scale.json

Each reading is a process of its own; CPU-seconds count what it used, however busy the machine is, and memory is its
peak. Two minutes on two cores.
"""

import argparse
import csv
import resource
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pydicom
from rows import Row, write_rows

from tests.sources.conftest import make_ct

_HEADER = ("sop_instance_uid", "row", "column", "diameter_mm", "label")
# Pixels of a slice, and lesions on it.
_SIDE, _PLACES = 512, 60


def main() -> None:
    """Writes, reads, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workdir", type=Path, required=True, help="emptied folder for everything that is made")
    parser.add_argument("--out", type=Path, help="JSON file to write")
    parser.add_argument("--slices", type=int, default=2000, help="with a lesion each")
    parser.add_argument("--lesions", type=int, default=3600, help=f"on slices of {_PLACES}")
    parser.add_argument("--junk", type=int, default=100_000, help="files that are no images")
    flags = parser.parse_args()
    shutil.rmtree(flags.workdir, ignore_errors=True)
    few = -(-flags.lesions // _PLACES)
    slices = _write(flags.workdir / "slices", flags.slices, flags.slices)
    lesions = _write(flags.workdir / "lesions", few, flags.lesions)
    junk = _write(flags.workdir / "junk", 10, 10)
    for number in range(flags.junk):
        place = junk / "in" / f"junk{number % 100}"
        place.mkdir(exist_ok=True)
        (place / f"{number}.txt").write_bytes(b"no image at all " * 40)
    nothing = _measure(junk, 0)
    rows = []
    for folder, count, what, must in (
        (slices, flags.slices, f"{flags.slices} slices with a lesion each", f"{flags.slices / 200:.0f} s"),
        (lesions, flags.lesions, f"{flags.lesions} lesions on {few} slices", "800 MiB"),
        (junk, 10, f"10 slices among {flags.junk} files of junk", "12 s"),
    ):
        seconds, wall, most = _measure(folder, count)
        used = seconds - nothing[0]
        rows.append(
            Row(measure=f"{what}: CPU after imports", value=used, unit="s", peer=f"asked: {must}", ratio=1, must=0)
        )
        rows.append(Row(measure=f"{what}: wall, imports too", value=wall, unit="s", peer="", ratio=1, must=0))
        rows.append(Row(measure=f"{what}: most memory", value=most, unit="MiB", peer="", ratio=1, must=0))
    write_rows(rows, flags.out)
    shutil.rmtree(flags.workdir)


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
    sys.exit(main())
