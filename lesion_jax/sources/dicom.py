"""DICOM slices and a csv of marks.

A lesion lies on one slice, which its SOP instance UID names; file names and the order of files
mean nothing here, and since every patch is cut from its own slice, no series has to be sorted.
"""

import dataclasses
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, Progress, RawLesion, Slice, Source
from lesion_jax.sources.files import list_files
from lesion_jax.sources.points import COLUMNS, Point, one_patient, points_by_image
from lesion_jax.sources.review import DataErrors, Doubt, Mistake, Mistakes

if TYPE_CHECKING:
    from lesion_jax.sources.dicom_file import Index

_UID = "sop_instance_uid"


def _read(folder: Path, marks: Sequence[Mark], progress: Progress) -> Iterator[RawLesion]:
    from lesion_jax.sources.dicom_file import index_files

    mistakes = Mistakes()
    wanted = points_by_image(marks, _UID, mistakes)
    skipped: list[Path] = []
    files = list_files(folder, skipped.append)
    total = len(files) + len(wanted)
    index = index_files(files, wanted, lambda done: progress(done, total))
    for uid, points in wanted.items():
        if uid not in index.found:
            text = _missing(uid, points[0], folder, index, [*skipped, *index.unreadable])
            mistakes.add(text, (point.mark.where for point in points))
    doubts = [
        *(Doubt("odd_files", f"{path} has header values that DICOM does not allow") for path in index.odd),
        *(Doubt("unreadable", f"{path} cannot be read") for path in (*skipped, *index.unreadable)),
    ]
    for done, (uid, points) in enumerate(wanted.items(), start=len(files) + 1):
        with mistakes.collected([point.mark.where for point in points]):
            if uid in index.found:
                path, image = load_copies(index.found[uid], points)
                image = dataclasses.replace(image, doubts=(*image.doubts, *doubts))
                doubts = []
                # UIDs are unique in the world, and not to be guessed.
                yield from (point.lesion(path, image, salt=uid) for point in points)
        progress(done, total)
    mistakes.check()


def _missing(uid: str, point: Point, folder: Path, index: "Index", unreadable: Sequence[Path]) -> str:
    """Why a row's slice is not there."""
    from lesion_jax.sources.dicom_file import what_else

    begin = f"{point.mark.where}: {_UID} {uid}"
    if re.fullmatch(r"\d([.,]\d+)?[eE]\+?\d+", uid):
        return f"{begin} is what a spreadsheet makes of a UID; write the column anew, as text."
    if other := what_else(uid, index.dicom):
        return f"{begin} is {other}; give the SOPInstanceUID of the slice."
    also = f" ({len(unreadable)} files or folders cannot be read, such as {unreadable[0]})" if unreadable else ""
    return (
        f"{begin} is in none of the {len(index.dicom)} DICOM files below {folder}{also}; "
        "correct the row or add the slice."
    )


def load_copies(paths: Sequence[Path], points: Sequence[Point]) -> tuple[Path, Slice]:
    """Reads a slice that has marks.

    Args:
      paths: Its copies.
      points: Its marks; a patient that they name replaces the header's.

    Returns:
      The first copy that can be read, and the slice.

    Raises:
      DataError: None can be read, two differ, or nothing names the patient.
    """
    from lesion_jax.sources.ct_slice import load_slice

    copies: list[tuple[Path, Slice]] = []
    errors: list[DataError] = []
    for path in paths:
        try:
            copies.append((path, load_slice(path)))
        except DataError as error:
            errors.append(error)
    if not copies:
        raise DataErrors([Mistake(str(error)) for error in errors])
    (first, image), *others = copies
    for path, other in others:
        # Exports hold the same slice several times; copies that differ are not the same slice.
        if differs := _differences(image, other):
            raise DataError(
                f"{first} and {path} have the same SOPInstanceUID but differ in {', '.join(differs)}; "
                "remove the wrong one."
            )
    patient = one_patient(points) or image.patient
    if not patient:
        raise DataError(f"{first}: PatientID is empty; add a column `patient` to the csv.")
    return first, dataclasses.replace(image, patient=patient)


def _differences(one: Slice, other: Slice) -> list[str]:
    fields = [field for field in {**one.belongs, **other.belongs} if one.belongs.get(field) != other.belongs.get(field)]
    spacing = [] if one.spacing_mm == other.spacing_mm else ["PixelSpacing"]
    return [*fields, *spacing, *([] if np.array_equal(one.pixels, other.pixels) else ["their pixels"])]


DICOM = Source(
    name="dicom",
    title="DICOM slices and a csv of marks",
    columns=(_UID, *COLUMNS),
    read=_read,
    optional=("patient",),
    about=(
        "Any tree of single-slice axial CT files, uncompressed or as JPEG Lossless, JPEG-LS, JPEG 2000 or RLE; names, "
        "suffixes and other files do not matter. The slice is named "
        "by its SOP instance UID. The patient is the header's PatientID; where that is empty or the same for "
        "everybody, as after anonymisation, add a column patient. Pixels are HU."
    ),
)
