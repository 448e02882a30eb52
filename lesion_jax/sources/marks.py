"""Reads lesions.csv: one row per lesion, a header with the names of the columns.

DICOM: sop_instance_uid, row, column, diameter_mm, label. The slice is named by its SOP instance
UID, never by a file name. The patient is the header's PatientID; where that is empty or the same
for everybody, as after anonymisation, add a column `patient`, which then holds for all rows.

PNG: file, patient, spacing_mm, row, column, diameter_mm, label. `file` is relative to --input.

row and column are the 0-based pixel indices of the lesion's centre in the image as it is stored:
(0, 0) is the centre of the first pixel, row counts downwards; fractions are fine. Other columns
are ignored. Text is UTF-8, separated by commas, with a decimal point.
"""

import csv
import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from lesion_jax.errors import DataError

DICOM_COLUMNS = ("sop_instance_uid", "row", "column", "diameter_mm", "label")
PNG_COLUMNS = ("file", "patient", "spacing_mm", "row", "column", "diameter_mm", "label")
PAPER_CLASSES = ("cyst", "metastasis", "hemangioma")


@dataclasses.dataclass(frozen=True)
class Mark:
    """One row.

    Attributes:
      where: Path and line of the row, to begin a message with.
      source: SOP instance UID, or PNG file.
      row: Of the lesion's centre, 0-based pixel index.
      column: Likewise.
      diameter_mm: Above 0.
      label: Name of the class.
      patient: From the csv; None leaves it to the header.
      spacing_mm: Of a PNG; None leaves it to the header.
    """

    where: str
    source: str
    row: float
    column: float
    diameter_mm: float
    label: str
    patient: str | None
    spacing_mm: float | None


@dataclasses.dataclass(frozen=True)
class Annotations:
    """A whole file; `is_dicom` tells the kind of its sources."""

    marks: tuple[Mark, ...]
    class_names: tuple[str, ...]
    is_dicom: bool


def load_annotations(path: Path, class_names: Sequence[str] | None = None) -> Annotations:
    """Reads and checks the marks.

    Args:
      path: The csv.
      class_names: Order of the classes; None takes cyst, metastasis, hemangioma where those are the names, and
        the order of first appearance otherwise.

    Raises:
      DataError: Missing columns, a value that cannot be, a lesion marked twice, no rows; names the line.
    """
    try:
        # Excel begins UTF-8 with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [name.strip().lower() for name in reader.fieldnames or ()]
            reader.fieldnames = columns
            needed = _needed(path, columns)
            marks = [_parse(f"{path} line {reader.line_num}", row, needed) for row in reader]
    except OSError as error:
        raise DataError(f"--annotations {path} cannot be read: {error.strerror}; name a csv file.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"--annotations {path} is not a csv file in UTF-8 ({error}); save it as one.") from error
    if not marks:
        raise DataError(f"{path} has a header but no lesions; add a row for each.")
    first: dict[tuple, Mark] = {}
    for mark in marks:
        same = first.setdefault((mark.source, mark.row, mark.column), mark)
        if same is not mark:
            raise DataError(f"{mark.where}: this lesion is already marked in {same.where}; remove one of the rows.")
    return Annotations(tuple(marks), _order_classes(path, marks, class_names), needed is DICOM_COLUMNS)


def _needed(path: Path, columns: Sequence[str]) -> tuple[str, ...]:
    needed = PNG_COLUMNS if "file" in columns and "sop_instance_uid" not in columns else DICOM_COLUMNS
    if missing := [name for name in needed if name not in columns]:
        hint = " separated by commas" if len(columns) == 1 and ";" in columns[0] else ""
        raise DataError(
            f"{path} line 1: column {', '.join(missing)} is missing (found: {', '.join(columns) or 'nothing'}); "
            f"the columns are {', '.join(needed)}{hint}."
        )
    if twice := sorted({name for name in columns if name in needed and columns.count(name) > 1}):
        raise DataError(f"{path} line 1: column {twice[0]} appears twice; remove one.")
    return needed


def _parse(where: str, row: Mapping[str, str | None], needed: Sequence[str]) -> Mark:
    if None in row:
        raise DataError(f"{where}: more values than the header has columns; quote values that contain a comma.")
    asked = (*needed, "patient") if "patient" in row else needed
    values = {name: (row[name] or "").strip() for name in asked}
    if empty := [name for name, value in values.items() if not value]:
        raise DataError(f"{where}: {empty[0]} is empty; fill it in.")
    numbers = {
        name: _number(where, name, values[name], positive=name in ("diameter_mm", "spacing_mm"))
        for name in ("row", "column", "diameter_mm", "spacing_mm")
        if name in values
    }
    return Mark(
        where=where,
        source=values["sop_instance_uid" if needed is DICOM_COLUMNS else "file"],
        row=numbers["row"],
        column=numbers["column"],
        diameter_mm=numbers["diameter_mm"],
        label=values["label"],
        patient=values.get("patient"),
        spacing_mm=numbers.get("spacing_mm"),
    )


def _number(where: str, name: str, text: str, *, positive: bool) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value) or (positive and value <= 0):
        raise DataError(f"{where}: {name} is {text!r}; it must be a {'number above 0' if positive else 'number'}.")
    return value


def _order_classes(path: Path, marks: Sequence[Mark], wanted: Sequence[str] | None) -> tuple[str, ...]:
    found = tuple(dict.fromkeys(mark.label for mark in marks))
    if not wanted:
        return PAPER_CLASSES if set(found) == set(PAPER_CLASSES) else found
    if len(set(wanted)) != len(wanted):
        raise DataError(f"--class_names {','.join(wanted)} names a class twice; name each once.")
    for mark in marks:
        if mark.label not in wanted:
            raise DataError(
                f"{mark.where}: label {mark.label!r} is not one of --class_names {','.join(wanted)}; "
                "correct the row or add the class."
            )
    if unused := [name for name in wanted if name not in found]:
        raise DataError(f"--class_names has {unused[0]!r}, but {path} has no such lesion; leave the class out.")
    return tuple(wanted)
