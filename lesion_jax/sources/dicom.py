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
from lesion_jax.sources.files import also_unreadable, list_files
from lesion_jax.sources.frame_names import file_uid, frame_name, frame_number
from lesion_jax.sources.grey_scale import GreyRange
from lesion_jax.sources.patients import PERSON
from lesion_jax.sources.points import COLUMNS, Point, one_patient, points_by_image
from lesion_jax.sources.review import DataErrors, Doubt, Mistake, Mistakes

if TYPE_CHECKING:
    from lesion_jax.sources.dicom_file import Index
    from lesion_jax.sources.grey_slice import SeriesFiles

_PACKED = (".zip", ".gz", ".tgz", ".tar", ".7z", ".rar", ".bz2", ".xz")
_UID = "sop_instance_uid"


def _read(
    folder: Path, marks: Sequence[Mark], progress: Progress, *, grey_range: GreyRange | None = None
) -> Iterator[RawLesion]:
    from lesion_jax.sources.dicom_file import index_files
    from lesion_jax.sources.grey_slice import SeriesFiles

    mistakes = Mistakes()
    wanted = points_by_image([one for mark in marks if (one := _with_frame(mark, mistakes))], _UID, mistakes)
    skipped: list[Path] = []
    files = list_files(folder, skipped.append)
    total = len(files) + len(wanted)
    uids = {name: file_uid(name) for name in wanted}
    index = index_files(files, frozenset(uids.values()), lambda done: progress(done, total))
    packed = [path for path in files if path.suffix.lower() in _PACKED]
    for name, points in wanted.items():
        if (uid := uids[name]) not in index.found:
            text = _missing(uid, points[0], folder, index, [*skipped, *index.unreadable], packed)
            mistakes.add(text, (point.mark.where for point in points))
    doubts = [
        *(Doubt("odd_files", f"{path} has header values that DICOM does not allow") for path in index.odd),
        *(Doubt("unreadable", f"{path} cannot be read") for path in (*skipped, *index.unreadable)),
    ]
    series = SeriesFiles(index.dicom, grey_range)
    for done, (name, points) in enumerate(wanted.items(), start=len(files) + 1):
        with mistakes.collected([point.mark.where for point in points]):
            if (uid := uids[name]) in index.found:
                path, image = load_copies(index.found[uid], points, series, frame_number(name))
                image = dataclasses.replace(image, doubts=(*image.doubts, *doubts))
                doubts = []
                # UIDs are unique in the world, and not to be guessed.
                yield from (point.lesion(path, image, salt=name) for point in points)
        progress(done, total)
    mistakes.check()


def _with_frame(mark: Mark, mistakes: Mistakes) -> Mark | None:
    """The row with one name for the image, whatever file holds it; None where it has none."""
    with mistakes.collected([mark.where]):
        if file_uid(mark.values[_UID]) != mark.values[_UID]:
            raise DataError(f"{mark.where}: {_UID} {mark.values[_UID]!a} has characters that no UID has; correct it.")
        if "frame" not in mark.values:
            return mark
        number = mark.number("frame", positive=True)
        if number % 1:
            raise DataError(f"{mark.where}: frame is {mark.values['frame']!r}; it must be a whole number, from 1.")
        return dataclasses.replace(mark, values={**mark.values, _UID: frame_name(mark.values[_UID], int(number))})
    return None


def _missing(
    uid: str, point: Point, folder: Path, index: "Index", unreadable: Sequence[Path], packed: Sequence[Path]
) -> str:
    """Why a row's slice is not there."""
    from lesion_jax.sources.dicom_file import what_else

    begin = f"{point.mark.where}: {_UID} {uid}"
    if re.fullmatch(r"\d([.,]\d+)?[eE]\+?\d+", uid):
        return f"{begin} is what a spreadsheet makes of a UID; write the column anew, as text."
    if not re.fullmatch(r"[\d.]+", uid) and not what_else(uid, index.dicom):
        return f"{begin} ({uid!a}) has characters that no UID has; write digits and points alone."
    if other := what_else(uid, index.dicom):
        return f"{begin} is {other}; give the SOPInstanceUID of the slice."
    also = also_unreadable(unreadable)
    also += f" ({len(packed)} files are packed, such as {packed[0]}: unpack them)" if packed else ""
    return (
        f"{begin} is in none of the {len(index.dicom)} DICOM files below {folder}{also}; "
        "correct the row or add the slice."
    )


def load_copies(
    paths: Sequence[Path], points: Sequence[Point], series: "SeriesFiles", frame: int | None = None
) -> tuple[Path, Slice]:
    """Reads a slice that has marks.

    Args:
      paths: Its copies.
      points: Its marks; a patient that they name replaces the header's.
      series: See `dicom_slice.load_slice`.
      frame: See `dicom_slice.load_slice`.

    Returns:
      The first copy that can be read, and the slice.

    Raises:
      DataError: None can be read, two differ, or nothing names the patient.
    """
    from lesion_jax.sources.dicom_slice import load_slice

    copies: list[tuple[Path, Slice]] = []
    errors: list[DataError] = []
    for path in paths:
        try:
            copies.append((path, load_slice(path, frame, series)))
        except DataError as error:
            errors.append(error)
    if not copies:
        each = [error.each if isinstance(error, DataErrors) else [Mistake(str(error))] for error in errors]
        raise DataErrors([mistake for some in each for mistake in some])
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
    fields = {**one.belongs, **other.belongs}.keys() - {PERSON}
    fields = sorted(field for field in fields if one.belongs.get(field) != other.belongs.get(field))
    spacing = [] if one.spacing_mm == other.spacing_mm else ["PixelSpacing"]
    return [*fields, *spacing, *([] if np.array_equal(one.pixels, other.pixels) else ["their pixels"])]


DICOM = Source(
    name="dicom",
    title="DICOM slices and a csv of marks",
    columns=(_UID, *COLUMNS),
    read=_read,
    optional=("patient", "frame"),
    options=("grey_range",),
    about=(
        "Any tree of axial CT files, uncompressed or as JPEG Lossless, JPEG-LS, JPEG 2000 or RLE; names, "
        "suffixes and other files do not matter. The slice is named "
        "by its SOP instance UID, of a multi-frame object also by frame, from 1. The patient is the header's "
        "PatientID; where that is empty or the same for everybody, as after anonymisation, add a column patient. "
        "Pixels are HU; of MR and other modalities they are grey values, of which 0 and 1000 are the 0.5th and 99.5th "
        "percentile of the series, or what --grey_range says; of PET whose header has units, dose and weight, they "
        "are SUVbw 0 and 10."
    ),
)
