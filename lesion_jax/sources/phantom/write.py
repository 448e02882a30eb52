"""The embedded default data: an abdominal-CT cohort with liver lesions as real DICOM files.

Everything is drawn: no patient, no scan. The files are honest about it (PatientName, StudyDescription).
A patient's slices are a contiguous stack; every lesion is marked on the slice where it is widest.
"""

import concurrent.futures
import csv
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lesion_jax.disk.building import building_new, check_new
from lesion_jax.disk.room import require_room
from lesion_jax.errors import RunError
from lesion_jax.sources.dicom import DICOM
from lesion_jax.sources.phantom import anatomy as phantom_anatomy
from lesion_jax.sources.phantom import dicom as phantom_dicom
from lesion_jax.sources.phantom.cohort import PAPER_COUNTS, draw_cohort
from lesion_jax.sources.phantom.options import DEFAULT_PHANTOM, Phantom, generator_of, write_record
from lesion_jax.sources.phantom.slices import MAX_MARKED_SLICES, draw_slice, mark_slices, place_lesions

ANNOTATIONS = "lesions.csv"
COLUMNS = DICOM.columns
# Of a slice: 512 x 512 pixels of two bytes, and its header.
_SLICE_BYTES = 530_000

Row = tuple[str, float, float, float, str]


def write_phantom(
    out: Path,
    *,
    seed: int = 0,
    num_lesions: Mapping[str, int] = PAPER_COUNTS,
    phantom: Phantom = DEFAULT_PHANTOM,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Writes the phantom cohort: DICOM files, one series per patient, and the marks.

    The same seed and counts give the same bytes under the same versions of numpy, scipy and
    pydicom. The folder appears complete or not at all.

    Args:
      out: Folder to make; may exist if it is empty.
      seed: Seed of everything that is drawn.
      num_lesions: Lesions per class: 'cyst', 'metastasis', 'hemangioma'; the paper's numbers
        by default.
      phantom: What the patients are drawn with.
      progress: Called as progress(done, total), counted in patients.

    Returns:
      Path of lesions.csv in `out`: sop_instance_uid, row, column (0-based pixel indices),
      diameter_mm, label.

    Raises:
      ConfigError: A class that the phantom does not know, or no lesions.
      RunError: `out` is a file, is not empty, or cannot be written.
    """
    out = Path(out)
    cohort = draw_cohort(generator_of(seed, "cohort"), num_lesions)
    num_slices = sum(min(len(labels), MAX_MARKED_SLICES) + 1 for labels in cohort)
    check_new(out, "--out", RunError, may_be_empty=True)
    require_room(out, _SLICE_BYTES * num_slices, what="--out")
    with building_new(out, "--out", RunError, may_be_empty=True) as folder:
        rows = _write_patients(folder, seed, cohort, phantom, progress)
        write_record(phantom.record(seed=seed, num_lesions=dict(num_lesions)), folder)
        with (folder / ANNOTATIONS).open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows((uid, *(f"{value:.2f}" for value in numbers), label) for uid, *numbers, label in rows)
    return out / ANNOTATIONS


def _write_patients(folder: Path, seed: int, cohort: list[list[str]], phantom: Phantom, progress) -> list[Row]:
    rows: list[list[Row]] = [[] for _ in cohort]
    # Threads: the array work releases the interpreter, and each patient has a generator of its own.
    with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = {pool.submit(_write_patient, folder, seed, i, labels, phantom): i for i, labels in enumerate(cohort)}
        try:
            for done, job in enumerate(concurrent.futures.as_completed(jobs), start=1):
                rows[jobs[job]] = job.result()
                if progress is not None:
                    progress(done, len(cohort))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [row for patient in rows for row in patient]


def _write_patient(folder: Path, seed: int, number: int, labels: list[str], phantom: Phantom) -> list[Row]:
    draw = generator_of(seed, "patient", number)
    offset = phantom.scanner.draw_offset(generator_of(seed, "patient offset", number))
    patient = phantom_anatomy.create_patient(draw, scanner=phantom.scanner, offset_hu=offset)
    num_marked = min(len(labels), MAX_MARKED_SLICES)
    num_slices = num_marked + 1
    lesions = place_lesions(draw, patient, labels, phantom.overlap)
    marked = mark_slices(draw, len(labels))
    scanner, male, age = int(draw.integers(2)), bool(draw.random() < 0.5), int(draw.integers(31, 84))
    top = float(draw.uniform(-160, 60))
    names = draw.permutation(num_slices)
    textures = draw.integers(2**32, size=len(labels))
    series = folder / f"patient_{number:03d}"
    series.mkdir()
    uids = []
    for index in range(num_slices):
        hu = draw_slice(draw, patient, lesions, marked, index, textures)
        uid = phantom_dicom.write_slice(
            # Names follow no order, as on an export from a PACS; position is in the header.
            series / f"IM{names[index]:05d}.dcm",
            hu,
            seed=seed,
            patient=number,
            number=num_slices - index,
            spacing=patient.grid.spacing,
            thickness=patient.thickness,
            origin=(float(patient.grid.x[0, 0]), float(patient.grid.y[0, 0]), top + index * patient.thickness),
            scanner=scanner,
            male=male,
            age=age,
        )
        uids.append(uid)
    rows = []
    marks = generator_of(seed, "patient marks", number)
    for (label, diameter, center, _), index in zip(lesions, marked, strict=True):
        (x, y), diameter = phantom.mark(marks, center, diameter)
        row = (y - float(patient.grid.y[0, 0])) / patient.grid.spacing
        column = (x - float(patient.grid.x[0, 0])) / patient.grid.spacing
        rows.append((uids[index], row, column, diameter, label))
    return rows
