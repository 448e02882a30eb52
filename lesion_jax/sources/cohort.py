"""From images and marks to lesions: the one place where sources, patches and hashes meet.

What leaves the hospital of a header is the spacing and two salted hashes. The salt is made of all
the sources' names, so a rebuild gives the same ids, and only who holds the originals can recompute them.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.errors import DataError
from lesion_jax.sources.dicom import index_files, list_files, load_slice
from lesion_jax.sources.marks import Annotations, Mark, load_annotations
from lesion_jax.sources.patches import Slice, cut_patch, half_side
from lesion_jax.sources.png import load_png

_HASH_DIGITS = 16

Progress = Callable[[int, int], None]


def read_lesions(
    input_dir: Path,
    annotations: Path,
    class_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> LesionSet:
    """Reads every marked lesion, writing nothing.

    Args:
      input_dir: Tree of DICOM files, or the folder that the PNG names are relative to.
      annotations: The csv; `lesion_jax.sources.marks` describes it.
      class_names: Order of the classes; None lets the csv decide.
      progress: Called as progress(done, total), counted in files and slices.

    Returns:
      The lesions, sorted by lesion_id; the same files give the same set to the bit.

    Raises:
      DataError: Names the file or the line of the csv, and what to do.
    """
    found = load_annotations(annotations, class_names)
    report = progress or (lambda done, total: None)
    by_source: dict[str, list[Mark]] = {}
    for mark in found.marks:
        by_source.setdefault(mark.source, []).append(mark)
    paths, done, total = _locate(input_dir, by_source, found.is_dicom, report)
    lesions = []
    salt = _salt(found)
    for source, marks in by_source.items():
        image = _load_dicom(paths[source], marks) if found.is_dicom else _load_png(paths[source][0], marks)
        lesions += [_make_lesion(mark, image, paths[source][0], found.class_names, salt) for mark in marks]
        done += 1
        report(done, total)
    return LesionSet.of(lesions, found.class_names, "HU")


def _locate(
    folder: Path, by_source: dict[str, list[Mark]], is_dicom: bool, report: Progress
) -> tuple[dict[str, list[Path]], int, int]:
    """Files of every source, and how many of how many units of work are done."""
    files = list_files(folder)
    if not is_dicom:
        return {source: [folder / source] for source in by_source}, 0, len(by_source)
    total = len(files) + len(by_source)
    found, num_dicom = index_files(files, by_source, lambda done: report(done, total))
    for uid, marks in by_source.items():
        if uid not in found:
            raise DataError(
                f"{marks[0].where}: sop_instance_uid {uid} is in none of the {num_dicom} DICOM files below {folder}; "
                "correct the row or add the slice."
            )
    return found, len(files), total


def _load_dicom(paths: Sequence[Path], marks: Sequence[Mark]) -> Slice:
    image = load_slice(paths[0])
    for path in paths[1:]:
        # Exports hold the same slice several times; copies that differ are not the same slice.
        other = load_slice(path)
        if (
            other.patient != image.patient
            or other.spacing_mm != image.spacing_mm
            or not np.array_equal(other.pixels, image.pixels)
        ):
            raise DataError(f"{paths[0]} and {path} have the same SOPInstanceUID but differ; remove the wrong one.")
    patient = _one_patient(marks) or image.patient
    if not patient:
        raise DataError(f"{paths[0]}: PatientID is empty; add a column `patient` to the csv.")
    return Slice(image.pixels, image.spacing_mm, patient)


def _load_png(path: Path, marks: Sequence[Mark]) -> Slice:
    spacings = {mark.spacing_mm for mark in marks}
    if len(spacings) > 1:
        raise DataError(f"{marks[-1].where}: spacing_mm of {marks[-1].source} differs between rows; correct it.")
    spacing = marks[0].spacing_mm
    patient = _one_patient(marks)
    assert spacing is not None and patient is not None
    return Slice(load_png(path), (spacing, spacing), patient)


def _one_patient(marks: Sequence[Mark]) -> str | None:
    for mark in marks:
        if mark.patient != marks[0].patient:
            raise DataError(
                f"{mark.where}: patient is {mark.patient!r}, but {marks[0].where} gives the same slice to "
                f"{marks[0].patient!r}; correct one."
            )
    return marks[0].patient


def _make_lesion(mark: Mark, image: Slice, path: Path, class_names: Sequence[str], salt: str) -> Lesion:
    rows, columns = image.pixels.shape
    for name, value, size in (("row", mark.row, rows), ("column", mark.column, columns)):
        if not 0 <= value <= size - 1:
            raise DataError(
                f"{mark.where}: {name} {value:g} lies outside {path} of {rows} x {columns} pixels; "
                "it is counted from 0, in pixels."
            )
    width_mm = min(rows * image.spacing_mm[0], columns * image.spacing_mm[1])
    if mark.diameter_mm > width_mm:
        raise DataError(
            f"{mark.where}: diameter_mm {mark.diameter_mm:g} is more than the {width_mm:.0f} mm of {path}; "
            "give it in mm."
        )
    # float32, as the dataset stores them: what is read back is what was made.
    diameter, *spacing = (float(np.float32(value)) for value in (mark.diameter_mm, *image.spacing_mm))
    patch, center = cut_patch(image.pixels, mark.row, mark.column, half_side(mark.diameter_mm, image.spacing_mm))
    return Lesion(
        lesion_id=_hash(salt, "lesion", mark.source, repr(mark.row), repr(mark.column)),
        patient=_hash(salt, "patient", image.patient),
        label=class_names.index(mark.label),
        diameter_mm=diameter,
        spacing_mm=(spacing[0], spacing[1]),
        center=(float(np.float32(center[0])), float(np.float32(center[1]))),
        patch=patch,
    )


def _salt(found: Annotations) -> str:
    names = {mark.source if found.is_dicom else f"{mark.source}\0{mark.patient}" for mark in found.marks}
    return hashlib.sha256("\n".join(sorted(names)).encode()).hexdigest()


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:_HASH_DIGITS]
