"""Folders of images by class: ROOT/CLASS/image, ROOT/CLASS/PATIENT/image, and either below train, val or test."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, Progress, RawLesion, Source
from lesion_jax.sources.files import list_files, named_file, walk_files
from lesion_jax.sources.npz import SPLIT
from lesion_jax.sources.patient_names import PatientOf
from lesion_jax.sources.picture import load_image
from lesion_jax.sources.review import Doubt, Mistakes
from lesion_jax.sources.whole_image import WholeImages

SUFFIXES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
_SPLITS = ("train", "training", "val", "valid", "validation", "test", "testing")
_MOST_NAMED = 5


def _read(
    folder: Path, marks: Sequence[Mark], progress: Progress, *, patient_of: PatientOf | None = None
) -> Iterator[RawLesion]:
    # Refuses a folder that is not there or empty.
    list_files(folder)
    mistakes, whole, skipped, again = Mistakes(), WholeImages(), [], []
    walked = walk_files(folder, skipped.append, again.append)
    files = sorted(path for path in walked if not _is_hidden(path.relative_to(folder)))
    paths = [path for path in files if path.suffix.lower() in SUFFIXES]
    rows = _by_path(folder, marks, paths, mistakes)
    paths = [path for path in paths if not marks or path in rows]
    if not (marks and all("label" in mark.values for mark in marks)):
        _check_splits(folder, paths, mistakes)
    doubts = [Doubt("unreadable", f"{path} cannot be read") for path in skipped]
    doubts += [Doubt("links", f"{path} is a link") for path in again]
    doubts += [
        Doubt("other_kind", f"{path} is none of {', '.join(SUFFIXES)}")
        for path in files
        if path.suffix.lower() not in SUFFIXES
    ]
    for done, path in enumerate(paths, start=1):
        with mistakes.collected():
            name = path.relative_to(folder)
            label, patient, tags = _place(path, name, rows.get(path))
            patient = patient_of(name.as_posix()) if patient_of else patient
            pixels, value_range, found = load_image(path)
            yield whole.lesion(
                path,
                name.as_posix(),
                pixels,
                label,
                patient=patient,
                value_range=value_range,
                tags=tags,
                doubts=[*found, *doubts],
            )
            doubts = []
        progress(done, len(paths))
    mistakes.check(doubts)


def _is_hidden(name: PurePath) -> bool:
    """Whether it is a system's own, such as macOS's companion of an image, or lies in such a folder."""
    return any(part.startswith(".") for part in name.parts)


def _split(name: PurePath) -> str:
    """The outermost folder, where it names a split."""
    return name.parts[0] if len(name.parts) > 1 and name.parts[0].lower() in _SPLITS else ""


def _check_splits(folder: Path, paths: Sequence[Path], mistakes: Mistakes) -> None:
    """Refuses splits beside classes, where either may be meant: valid beside invalid."""
    names = [path.relative_to(folder) for path in paths]
    outermost = {name.parts[0]: _split(name) for name in names if len(name.parts) > 1}
    if len({bool(split) for split in outermost.values()}) > 1:
        of_split, other = (next(one for one in outermost if bool(outermost[one]) is is_one) for is_one in (True, False))
        mistakes.add(
            f"{folder} has a folder {of_split}, which names a split, beside {other}, which names none; if it is a "
            "class, rename it, otherwise move all into splits."
        )


def _by_path(folder: Path, marks: Sequence[Mark], paths: Sequence[Path], mistakes: Mistakes) -> dict[Path, Mark]:
    """The rows of a csv by the images that they name."""
    places = {os.path.realpath(path): path for path in paths}
    found: dict[Path, Mark] = {}
    for mark in marks:
        path = places.get(os.path.realpath(named_file(folder, mark.values["file"])))
        if path is None:
            mistakes.add(f"{mark.where}: {mark.values['file']} is no image below {folder}; correct it.", [mark.where])
        elif (other := found.setdefault(path, mark)) is not mark:
            text = f"{mark.where}: {path} is already in {other.where}; remove one of the rows."
            mistakes.add(text, [other.where, mark.where])
    return found


def _place(path: Path, name: PurePath, row: Mark | None) -> tuple[str, str | None, dict[str, str]]:
    """Class, patient and tags by a row of a csv and by the folders that an image lies in."""
    folders = list(name.parts[:-1])
    tags = {SPLIT: folders.pop(0)} if _split(name) else {}
    if row is not None:
        tags |= row.tags
        if not folders and "label" not in row.values:
            raise DataError(f"{path} lies in no folder that names its class; add a column label to the csv.")
        return row.values.get("label") or folders[0], row.values["patient"], tags
    if not folders:
        raise DataError(f"{path} lies in no folder that names its class; move it into one.")
    return folders[0], folders[1] if len(folders) > 1 else None, tags


def _classes(folder: Path) -> dict[str, set[str]]:
    """Names of the folders with images that would be classes, by split, "" where there is none."""
    found: dict[str, set[str]] = {}
    for path in walk_files(folder):
        if path.suffix.lower() in SUFFIXES and not _is_hidden(name := path.relative_to(folder)):
            split = _split(name)
            found.setdefault(split, set()).update(name.parts[:-1][bool(split) :][:1])
    return found


def _recognise(folder: Path) -> str | None:
    found = _classes(folder)
    names = sorted(set().union(*found.values()))
    # Folders may be of patients; but these would not be in two splits.
    if len(found) < 2 or "" in found or len(names) < 2 or any(some != set(names) for some in found.values()):
        return None
    return f"{', '.join(sorted(found))} each hold images in the folders {_listed(names)}"


def _suspect(folder: Path) -> str | None:
    names = sorted(set().union(*_classes(folder).values()))
    return f"the folders {_listed(names)} are classes" if len(names) > 1 else None


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


IMAGES = Source(
    name="images",
    title="Folders of images by class",
    columns=("file", "patient"),
    read=_read,
    optional=("label",),
    needs_csv=False,
    options=("patient_of",),
    recognise=_recognise,
    suspect=_suspect,
    about=(
        f"ROOT/CLASS/FILE or ROOT/CLASS/PATIENT/FILE ({', '.join(SUFFIXES)}), perhaps below train, val and test, which "
        "are kept as the tag split. Each image is a lesion; without folders of patients each is a patient of its own, "
        "but for equal ones, for --patient, and for a csv, which names the images to read, relative to --input, their "
        "patients and perhaps classes. Colour becomes luminance."
    ),
)
