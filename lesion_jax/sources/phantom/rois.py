"""Fresh lesions of the phantom without files: of each slice only the part around a lesion is drawn.

Shapes, textures, noise and blur are those of the DICOM way, by the same functions. What differs: a lesion's place
is drawn from every fourth pixel of the liver (and moved within those), the noise of a part is scaled to the
patient's strength by its own standard deviation instead of the whole slice's, and patients are other ones: the
streams of random numbers have names of their own, so that no seed gives a patient of a DICOM cohort.
"""

import concurrent.futures
import hashlib
import os
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.sources.patches import cut_patch, half_side
from lesion_jax.sources.phantom.anatomy import create_patient
from lesion_jax.sources.phantom.cohort import PAPER_COUNTS, draw_cohort
from lesion_jax.sources.phantom.lesions import CLASS_NAMES
from lesion_jax.sources.phantom.options import DEFAULT_PHANTOM, Phantom, generator_of
from lesion_jax.sources.phantom.shapes import SIZE, Part
from lesion_jax.sources.phantom.slices import draw_slice, mark_slices, place_lesions

# Patients of a cohort, and patients of one lesion each, that are in no cohort.
_COHORT, _FRESH = "roi patient", "fresh patient"
_COARSE: Part = (slice(0, SIZE, 4), slice(0, SIZE, 4))


def render_lesions(
    *,
    seed: int,
    num_lesions: Mapping[str, int] = PAPER_COUNTS,
    phantom: Phantom = DEFAULT_PHANTOM,
    progress: Callable[[int, int], None] | None = None,
) -> LesionSet:
    """Draws a cohort of patients.

    Args:
      seed: Seed of everything that is drawn; who has which lesions too.
      num_lesions: Lesions per class, names among `CLASS_NAMES`.
      phantom: What the patients are drawn with.
      progress: Called as progress(done, total), counted in patients.

    Returns:
      The lesions in HU. Patient i is a function of (seed, i), the classes of the patient's lesions and `phantom`.

    Raises:
      ConfigError: An unknown class, a negative number, or no lesion at all.
    """
    cohort = draw_cohort(generator_of(seed, "roi cohort"), num_lesions)
    patients = _in_threads(lambda i: _render_patient(seed, _COHORT, i, cohort[i], phantom), len(cohort), progress)
    record = phantom.record(seed=seed, num_lesions=dict(num_lesions))
    return LesionSet.of([lesion for some in patients for lesion in some], CLASS_NAMES, "HU", phantom=record)


def render_fresh(label: int, seed: int, *, phantom: Phantom = DEFAULT_PHANTOM) -> Lesion:
    """Draws the only lesion of a patient who is in no cohort, whatever its seed.

    Threads may draw side by side; those of BLAS would only wait for each other, so limit it to one.

    Args:
      label: Index into `CLASS_NAMES`.
      seed: At least 0; one of its own for each lesion.
      phantom: What the patient is drawn with.

    Returns:
      A function of the arguments.
    """
    (lesion,) = _render_patient(seed, _FRESH, 0, (CLASS_NAMES[label],), phantom)
    return lesion


def _in_threads(
    render: Callable[[int], list[Lesion]], count: int, progress: Callable[[int, int], None] | None
) -> list[list[Lesion]]:
    # The array work releases the interpreter, and each patient has a generator of its own. Threads of BLAS would
    # only wait for each other: its matrices are small.
    with (
        threadpool_limits(1, user_api="blas"),
        concurrent.futures.ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool,
    ):
        found = []
        try:
            for done, lesions in enumerate(pool.map(render, range(count)), start=1):
                found.append(lesions)
                if progress is not None:
                    progress(done, count)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return found


def _render_patient(seed: int, stream: str, number: int, labels: Sequence[str], phantom: Phantom) -> list[Lesion]:
    offset = phantom.scanner.draw_offset(generator_of(seed, f"{stream} offset", number))

    def create(part: Part):
        draw = generator_of(seed, stream, number)
        return draw, create_patient(draw, part=part, scanner=phantom.scanner, offset_hu=offset)

    draw, patient = create(_COARSE)
    placed = place_lesions(draw, patient, labels, phantom.overlap)
    marked = mark_slices(draw, len(labels))
    textures = draw.integers(2**32, size=len(labels))
    spacing = patient.grid.spacing / (_COARSE[0].step or 1)
    corner = float(patient.grid.y[0, 0]), float(patient.grid.x[0, 0])
    lesions = []
    marks = generator_of(seed, f"{stream} marks", number)
    for i, (label, diameter, center, _) in enumerate(placed):
        (x, y), diameter = phantom.mark(marks, center, diameter)
        row, column = (y - corner[0]) / spacing, (x - corner[1]) / spacing
        half = half_side(diameter, (spacing, spacing))
        part = _around(row, half), _around(column, half)
        _, there = create(part)
        pixels = draw_slice(
            generator_of(seed, f"{stream} scan {i}", number), there, placed, marked, marked[i], textures
        )
        patch, center = cut_patch(pixels, row - part[0].start, column - part[1].start, half)
        # float32, as a dataset stores them: what is read back is what was made.
        numbers = [float(np.float32(value)) for value in (diameter, spacing, *center)]
        lesions.append(
            Lesion(
                lesion_id=_name(seed, stream, number, i),
                patient=_name(seed, stream, number),
                label=CLASS_NAMES.index(label),
                diameter_mm=numbers[0],
                spacing_mm=(numbers[1], numbers[1]),
                center=(numbers[2], numbers[3]),
                patch=patch,
            )
        )
    return lesions


def _around(at: float, half: int) -> slice:
    # `cut_patch` repeats the slice's edge beyond it.
    return slice(max(0, round(at) - half), min(SIZE, round(at) + half + 1))


def _name(seed: int, *parts: str | int) -> str:
    return hashlib.sha256("\0".join(("lesion_jax phantom", str(seed), *map(str, parts))).encode()).hexdigest()[:16]
