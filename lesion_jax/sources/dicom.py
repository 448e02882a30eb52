"""DICOM slices and a csv of marks.

A lesion lies on one slice, which its SOP instance UID names; file names and the order of files
mean nothing here, and since every patch is cut from its own slice, no series has to be sorted.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, Progress, RawLesion, Slice, Source
from lesion_jax.sources.files import list_files
from lesion_jax.sources.points import COLUMNS, Point, one_patient, points_by_image

_UID = "sop_instance_uid"


def _read(folder: Path, marks: Sequence[Mark], progress: Progress) -> Iterator[RawLesion]:
    from lesion_jax.sources.ct_slice import index_files

    wanted = points_by_image(marks, _UID)
    files = list_files(folder)
    total = len(files) + len(wanted)
    found, num_dicom = index_files(files, wanted, lambda done: progress(done, total))
    for uid, points in wanted.items():
        if uid not in found:
            raise DataError(
                f"{points[0].mark.where}: {_UID} {uid} is in none of the {num_dicom} DICOM files below {folder}; "
                "correct the row or add the slice."
            )
    for done, (uid, points) in enumerate(wanted.items(), start=len(files) + 1):
        image = _load(found[uid], points)
        # UIDs are unique in the world, and not to be guessed.
        yield from (point.lesion(found[uid][0], image, salt=uid) for point in points)
        progress(done, total)


def _load(paths: Sequence[Path], points: Sequence[Point]) -> Slice:
    from lesion_jax.sources.ct_slice import load_slice

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
    patient = one_patient(points) or image.patient
    if not patient:
        raise DataError(f"{paths[0]}: PatientID is empty; add a column `patient` to the csv.")
    return Slice(image.pixels, image.spacing_mm, patient, image.unit)


DICOM = Source(
    name="dicom",
    title="DICOM slices and a csv of marks",
    columns=(_UID, *COLUMNS),
    read=_read,
    optional=("patient",),
    about=(
        "Any tree of single-slice axial CT files; names, suffixes and other files do not matter. The slice is named "
        "by its SOP instance UID. The patient is the header's PatientID; where that is empty or the same for "
        "everybody, as after anonymisation, add a column patient. Pixels are HU."
    ),
)
