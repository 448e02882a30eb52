"""The embedded default data: an abdominal-CT cohort with liver lesions as real DICOM files.

Everything is drawn: no patient, no scan. The files are honest about it (PatientName, StudyDescription).
A patient's slices are a contiguous stack; every lesion is marked on the slice where it is widest.
"""

import concurrent.futures
import csv
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from lesion_jax.disk.building import building_new, check_new
from lesion_jax.disk.room import require_room
from lesion_jax.errors import RunError
from lesion_jax.sources.dicom import DICOM
from lesion_jax.sources.phantom import anatomy as phantom_anatomy
from lesion_jax.sources.phantom import dicom as phantom_dicom
from lesion_jax.sources.phantom import lesions as phantom_lesions
from lesion_jax.sources.phantom import render as phantom_render
from lesion_jax.sources.phantom import shapes as phantom_shapes
from lesion_jax.sources.phantom.cohort import PAPER_COUNTS, draw_cohort

ANNOTATIONS = "lesions.csv"
COLUMNS = DICOM.columns
# Slices of a patient that carry marks; more lesions than that share them. Each slice is 0.5 MB.
MAX_MARKED_SLICES = 3
# A lesion's centre lies at least this share of its diameter inside the liver; it may bulge out.
MIN_DEPTH = 0.3
GAP_MM = 4.0
NUM_TRIES = 12
SHRINK = 0.85

# Of a slice: 512 x 512 pixels of two bytes, and its header.
_SLICE_BYTES = 530_000

Row = tuple[str, float, float, float, str]


def write_phantom(
    out: Path,
    *,
    seed: int = 0,
    num_lesions: Mapping[str, int] = PAPER_COUNTS,
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
      progress: Called as progress(done, total), counted in patients.

    Returns:
      Path of lesions.csv in `out`: sop_instance_uid, row, column (0-based pixel indices),
      diameter_mm, label.

    Raises:
      ConfigError: A class that the phantom does not know, or no lesions.
      RunError: `out` is a file, is not empty, or cannot be written.
    """
    out = Path(out)
    cohort = draw_cohort(_draw(seed, "cohort"), num_lesions)
    num_slices = sum(min(len(labels), MAX_MARKED_SLICES) + 1 for labels in cohort)
    check_new(out, "--out", RunError, may_be_empty=True)
    require_room(out, _SLICE_BYTES * num_slices, what="--out")
    with building_new(out, "--out", RunError, may_be_empty=True) as folder:
        rows = _write_patients(folder, seed, cohort, progress)
        with (folder / ANNOTATIONS).open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(COLUMNS)
            writer.writerows((uid, *(f"{value:.2f}" for value in numbers), label) for uid, *numbers, label in rows)
    return out / ANNOTATIONS


def _draw(seed: int, stream: str, index: int = 0) -> np.random.Generator:
    return np.random.default_rng([seed, *stream.encode(), index])


def _write_patients(folder: Path, seed: int, cohort: list[list[str]], progress) -> list[Row]:
    rows: list[list[Row]] = [[] for _ in cohort]
    # Threads: the array work releases the interpreter, and each patient has a generator of its own.
    with concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        jobs = {pool.submit(_write_patient, folder, seed, i, labels): i for i, labels in enumerate(cohort)}
        try:
            for done, job in enumerate(concurrent.futures.as_completed(jobs), start=1):
                rows[jobs[job]] = job.result()
                if progress is not None:
                    progress(done, len(cohort))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return [row for patient in rows for row in patient]


def _write_patient(folder: Path, seed: int, number: int, labels: list[str]) -> list[Row]:
    draw = _draw(seed, "patient", number)
    patient = phantom_anatomy.create_patient(draw)
    num_marked = min(len(labels), MAX_MARKED_SLICES)
    num_slices = num_marked + 1
    lesions = _place(draw, patient, labels)
    marked = [int(draw.integers(1, num_marked + 1)) if i >= num_marked else i + 1 for i in range(len(labels))]
    scanner, male, age = int(draw.integers(2)), bool(draw.random() < 0.5), int(draw.integers(31, 84))
    top = float(draw.uniform(-160, 60))
    names = draw.permutation(num_slices)
    textures = draw.integers(2**32, size=len(labels))
    series = folder / f"patient_{number:03d}"
    series.mkdir()
    uids = []
    for index in range(num_slices):
        hu = _slice(draw, patient, lesions, marked, index, textures)
        uid = phantom_dicom.write_slice(
            # Names follow no order, as on an export from a PACS; position is in the header.
            series / f"IM{names[index]:05d}.dcm",
            hu,
            seed=seed,
            patient=number,
            number=num_slices - index,
            spacing=patient.spacing,
            thickness=patient.thickness,
            origin=(float(patient.x[0, 0]), float(patient.y[0, 0]), top + index * patient.thickness),
            scanner=scanner,
            male=male,
            age=age,
        )
        uids.append(uid)
    rows = []
    for (label, diameter, (x, y), _), index in zip(lesions, marked, strict=True):
        row, column = (y - float(patient.y[0, 0])) / patient.spacing, (x - float(patient.x[0, 0])) / patient.spacing
        rows.append((uids[index], row, column, diameter, label))
    return rows


Placed = tuple[str, float, tuple[float, float], phantom_lesions.Look]


def _place(draw: np.random.Generator, patient: phantom_anatomy.Patient, labels: list[str]) -> list[Placed]:
    """Puts lesions side by side, the largest first; one that finds no room shrinks."""
    wishes = sorted(((phantom_lesions.draw_diameter(draw), label) for label in labels), reverse=True)
    placed: list[Placed] = []
    # Above the middle of the stack the liver has drawn back a little (see phantom_anatomy.render).
    drawn_back = 0.25 * patient.thickness * (MAX_MARKED_SLICES + 1)
    for diameter, label in wishes:
        while True:
            allowed = (patient.liver < -MIN_DEPTH * diameter - drawn_back) & (patient.cavity < -0.5 * diameter - 2)
            center, room = _roomiest(draw, patient, np.flatnonzero(allowed), placed)
            if room >= diameter / 2 + GAP_MM or diameter == phantom_lesions.DIAMETER_MM[0]:
                break
            diameter = max(phantom_lesions.DIAMETER_MM[0], diameter * SHRINK)
        placed.append((label, diameter, center, phantom_lesions.draw_look(draw, label, diameter, patient)))
    return placed


def _roomiest(draw: np.random.Generator, patient, spots: np.ndarray, placed: list[Placed]):
    """One of a few random spots: the first when there is nothing else, otherwise the one farthest from the others."""
    best, room = (0.0, 0.0), -np.inf
    for spot in draw.choice(spots, NUM_TRIES if placed else 1) if len(spots) else ():
        jitter = draw.uniform(-0.5, 0.5, 2) * patient.spacing
        x, y = float(patient.x.flat[spot] + jitter[0]), float(patient.y.flat[spot] + jitter[1])
        clearance = min((np.hypot(x - c[0], y - c[1]) - d / 2 for _, d, c, _ in placed), default=np.inf)
        if clearance > room:
            best, room = (x, y), clearance
    return best, room


def _slice(draw, patient: phantom_anatomy.Patient, lesions: list[Placed], marked, index: int, textures) -> np.ndarray:
    cuts = []
    for i, (_, diameter, center, look) in enumerate(lesions):
        away = (index - marked[i]) * patient.thickness / (0.5 * diameter * look.ratio)
        if abs(away) >= 1:
            continue
        radius = 0.5 * diameter * float(np.sqrt(1 - away * away))
        x, y = center
        box = phantom_render.grid_box(patient, (x - diameter, x + diameter), (y - diameter, y + diameter))
        distance, depth, angle = phantom_lesions.outline_distance(patient.x[box], patient.y[box], center, radius, look)
        cuts.append((i, box, distance, depth, angle, look))
    bulges = []
    for _, box, distance, *_ in cuts:
        bulge = np.full_like(patient.x, 1e3)
        # The capsule is stretched over the lesion, 1 mm outside of it.
        bulge[box] = np.maximum(distance, patient.cavity[box] + 1) - 1
        bulges.append(bulge)
    image = phantom_render.render(patient, index * patient.thickness, bulges, draw)
    for i, box, distance, depth, angle, look in cuts:
        hu = phantom_lesions.fill(depth, angle, look, np.random.default_rng(int(textures[i])))
        phantom_shapes.paint(image[box], distance, hu, look.edge_mm + patient.spacing)
    return phantom_render.scan(image, patient, draw)
