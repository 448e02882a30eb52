"""Marks that name an image, the centre of a lesion in it and its diameter, as most sources with a csv have them."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, RawLesion, Slice
from lesion_jax.sources.review import Mistakes

COLUMNS = ("row", "column", "diameter_mm", "label")


@dataclasses.dataclass(frozen=True)
class Point:
    """One mark, its numbers read.

    Attributes:
      mark: The row of the csv, with `COLUMNS` and perhaps `patient`.
      image: What the row names: a UID, a file.
      row: Row of the lesion's centre, 0-based pixel index.
      column: Its column, likewise.
      diameter_mm: Above 0.
    """

    mark: Mark
    image: str
    row: float
    column: float
    diameter_mm: float

    def lesion(self, path: Path, image: Slice, *, name: str = "", salt: str = "") -> RawLesion:
        """The lesion in its image; the arguments are fields of `RawLesion`, and "" names it as the row does."""
        return RawLesion(
            where=self.mark.where,
            path=path,
            name=name or self.image,
            image=image,
            row=self.row,
            column=self.column,
            diameter_mm=self.diameter_mm,
            label=self.mark.values["label"],
            salt=salt,
            tags=self.mark.tags,
        )


def points_by_image(marks: Sequence[Mark], image_column: str, mistakes: Mistakes) -> dict[str, list[Point]]:
    """Reads the numbers of all marks and groups them by image, in the order of the csv.

    Args:
      marks: Rows with `COLUMNS` and `image_column`.
      image_column: What names the image.
      mistakes: Takes numbers that cannot be, and lesions that are marked twice; the others are returned.
    """
    first: dict[tuple[str, float, float], Mark] = {}
    found: dict[str, list[Point]] = {}
    for mark in marks:
        with mistakes.collected([mark.where]):
            point = _point(mark, image_column)
            same = first.setdefault((point.image, point.row, point.column), mark)
            if same is not mark:
                text = f"{mark.where}: this lesion is already marked in {same.where}; remove one of the rows."
                mistakes.add(text, [same.where, mark.where])
                continue
            found.setdefault(point.image, []).append(point)
    return found


def _point(mark: Mark, image_column: str) -> Point:
    return Point(
        mark=mark,
        image=mark.values[image_column],
        row=mark.number("row"),
        column=mark.number("column"),
        diameter_mm=mark.number("diameter_mm", positive=True),
    )


def one_patient(points: Sequence[Point]) -> str | None:
    """Patient of an image as its rows give it; None where the csv has no such column.

    Raises:
      DataError: The rows differ.
    """
    patients = [point.mark.values.get("patient") for point in points]
    for point, patient in zip(points, patients, strict=True):
        if patient != patients[0]:
            raise DataError(
                f"{point.mark.where}: patient is {patient!r}, but {points[0].mark.where} gives the same slice to "
                f"{patients[0]!r}; correct one."
            )
    return patients[0]
