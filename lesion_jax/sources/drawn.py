"""Lesions that a DICOM file of its own outlines, such as a segmentation, beside the series that it was drawn on."""

import dataclasses
import os
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lesion_jax.sources.base import Mark, Progress, RawLesion, Source
from lesion_jax.sources.dicom import load_copies
from lesion_jax.sources.files import also_unreadable, list_files, named_file, walk_files
from lesion_jax.sources.grey_scale import GreyRange
from lesion_jax.sources.points import Point
from lesion_jax.sources.review import Doubt, Mistakes

if TYPE_CHECKING:
    from lesion_jax.sources.planes import Slices

Outlined = tuple[list[Point], list[Doubt]]


def _read(
    folder: Path,
    marks: Sequence[Mark],
    column: str,
    kinds: Collection[str],
    title: str,
    find_points: Callable[[Path, "Slices"], Outlined],
    progress: Progress,
    grey_range: GreyRange | None,
) -> Iterator[RawLesion]:
    """Reads the lesions that files of some kinds outline.

    Args:
      folder: Holds them and the slices.
      marks: Rows with `column` and `patient`, and perhaps the `label` of all that a file outlines; without any, all
        files are read.
      column: Names a file, relative to `folder`.
      kinds: SOPClassUIDs of the files.
      title: What these are, in the plural, for a message.
      find_points: Gives the lesions of one file, named by the SOPInstanceUID of the slice, and what is doubtful.
      progress: See `Source.read`.
      grey_range: See `Source.read`.
    """
    from lesion_jax.sources.grey_slice import SeriesFiles
    from lesion_jax.sources.planes import index_planes

    mistakes = Mistakes()
    skipped: list[Path] = []
    files = list_files(folder, skipped.append)
    slices, outlines, unreadable = index_planes(files, kinds, lambda done: progress(done, len(files)))
    doubts = [Doubt("unreadable", f"{path} cannot be read") for path in (*skipped, *unreadable)]
    if not outlines:
        also = also_unreadable([*skipped, *unreadable])
        mistakes.add(f"--input {folder} holds no {title} among its {len(files)} files{also}; add them to their series.")
    rows: dict[str, Mark] = {}
    for mark in marks:
        other = rows.setdefault(os.path.realpath(named_file(folder, mark.values[column])), mark)
        if other is not mark:
            text = f"{mark.where}: {mark.values[column]} is already in {other.where}; remove one of the rows."
            mistakes.add(text, [other.where, mark.where])
    if marks:
        outlines = [path for path in outlines if os.path.realpath(path) in rows]
        present = {os.path.realpath(path) for path in outlines}
        for place, mark in rows.items():
            if place not in present:
                text = f"{mark.where}: {mark.values[column]} is none of the {title} below {folder}; correct it."
                mistakes.add(text, [mark.where])
    wanted: dict[str, list[Point]] = {}
    for path in outlines:
        row = rows.get(os.path.realpath(path))
        with mistakes.collected([row.where] if row else ()):
            points, found = find_points(path, slices)
            doubts += found
            for point in points:
                told = _told(point, row)
                wanted.setdefault(point.image, []).append(told)
    series = SeriesFiles(list({path: None for one in slices.by_uid.values() for path in one.paths}), grey_range)
    for done, (uid, points) in enumerate(wanted.items(), start=1):
        with mistakes.collected():
            drawn_on = slices.by_uid[uid]
            path, image = load_copies(drawn_on.paths, points, series, drawn_on.frame)
            image = dataclasses.replace(image, doubts=(*image.doubts, *doubts))
            doubts = []
            yield from (point.lesion(path, image, salt=uid) for point in points)
        progress(len(files) + done, len(files) + len(wanted))
    mistakes.check(doubts)


def _told(point: Point, row: Mark | None) -> Point:
    """A lesion with what the csv knows of it."""
    if row is None:
        return point
    known: Mapping[str, str] = {name: row.values[name] for name in ("patient", "label") if name in row.values}
    mark = dataclasses.replace(point.mark, values={**point.mark.values, **known}, tags=row.tags)
    return dataclasses.replace(point, mark=mark)


def _recognise(folder: Path, kinds: Collection[str], title: str) -> str | None:
    """See `Source.recognise`."""
    # A folder without DICOM files should not wait for pydicom.
    paths = [path for path in walk_files(folder) if _may_be_dicom(path)]
    if not paths:
        return None
    from lesion_jax.sources.planes import index_planes

    _, found, _ = index_planes(paths, kinds, lambda done: None)
    return f"it holds {len(found)} {title}" if found else None


def _may_be_dicom(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(132)[128:] == b"DICM"
    except OSError:
        return False


def drawn_source(
    name: str,
    title: str,
    column: str,
    kinds: Collection[str],
    files: str,
    about: str,
    find_points: Callable[[Path, "Slices"], Outlined],
) -> Source:
    """A source of files that outline lesions on slices beside them.

    Args:
      name: See `Source`.
      title: See `Source`.
      column: Of a csv, names a file relative to the folder.
      kinds: SOPClassUIDs of the files.
      files: What these are, in the plural, for a message.
      about: What they are and what a lesion is, after the slices.
      find_points: Gives the lesions of one file, named by the SOPInstanceUID of the slice, and what is doubtful.
    """

    def read(
        folder: Path, marks: Sequence[Mark], progress: Progress, *, grey_range: GreyRange | None = None
    ) -> Iterator[RawLesion]:
        yield from _read(folder, marks, column, kinds, files, find_points, progress, grey_range)

    return Source(
        name=name,
        title=title,
        columns=(column, "patient"),
        read=read,
        optional=("label",),
        needs_csv=False,
        outlines=True,
        options=("grey_range",),
        recognise=lambda folder: _recognise(folder, kinds, files),
        about=(
            f"Any tree of slices, as for dicom, multi-frame objects too, and {about} A csv may name the files to "
            "read, relative to --input, their patients and classes."
        ),
    )
