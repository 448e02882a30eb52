"""NIfTI volumes with label masks: every connected region of a label is a lesion.

Volumes and masks find each other by their names, as in the Medical Segmentation Decathlon and LiTS, or by a csv.
"""

import dataclasses
import functools
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lesion_jax.core.types import UNITS
from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, Progress, RawLesion, Slice, Source
from lesion_jax.sources.files import absence, also_unreadable, list_files, named_file, walk_files
from lesion_jax.sources.grey_scale import PERCENTILE_RANGE, VALUE_RANGE, Ends, GreyRange, to_grey
from lesion_jax.sources.nifti_description import DESCRIPTION, describe
from lesion_jax.sources.patient_names import PatientOf
from lesion_jax.sources.points import Point
from lesion_jax.sources.regions import find_regions
from lesion_jax.sources.review import Doubt, Mistakes

if TYPE_CHECKING:
    from lesion_jax.sources.nifti_file import Grid, Volume

SUFFIXES = (".nii.gz", ".nii")
_NO_AIR_HU = -300


@dataclasses.dataclass(frozen=True)
class _Case:
    """A mask and its volume.

    Attributes:
      where: Begins messages.
      mask: Its file.
      image: The volume's.
      patient: Whatever identifies the patient.
      label: Class of all of the mask; None where its labels say.
      tags: See `RawLesion`.
    """

    where: str
    mask: Path
    image: Path
    patient: str
    label: str | None = None
    tags: Mapping[str, str] = dataclasses.field(default_factory=dict)


def _read(
    folder: Path,
    marks: Sequence[Mark],
    progress: Progress,
    *,
    grey_range: GreyRange | None = None,
    patient_of: PatientOf | None = None,
) -> Iterator[RawLesion]:
    from lesion_jax.sources.nifti_file import check_same_grid, load_labels, load_volume

    mistakes = Mistakes()
    names: Mapping[int, str] = {}
    is_ct = True
    with mistakes.collected():
        names, is_ct = describe(folder)
    doubts: list[Doubt] = []
    cases = _named(folder, marks, mistakes) if marks else _find(folder, mistakes, doubts, patient_of)
    # All masks first: what is doubtful of one without lesions comes with another's.
    masks: list[tuple[_Case, Grid, dict[int, list[Point]]]] = []
    for done, case in enumerate(cases, start=1):
        with mistakes.collected([case.where] if marks else ()):
            grid, labels = load_labels(case.mask)
            points, found = _points(case, folder, labels, grid.spacing_mm, names)
            masks.append((case, grid, points))
            doubts += found
            if not (marks or patient_of):
                doubts.append(Doubt("no_patients", f"{case.image}: nothing says whose it is"))
        progress(done, 2 * len(cases))
    marked = [one for one in masks if one[2]]
    for done, (case, grid, points) in enumerate(marked, start=1):
        with mistakes.collected([case.where] if marks else ()):
            volume = load_volume(case.image)
            check_same_grid(grid, volume.grid)
            ends = None if is_ct and grey_range is None else _ends(volume, grey_range or PERCENTILE_RANGE)
            belongs = {"set of voxels": _digest(volume)}
            doubts += _grey_doubts(case.image, ends, grey_range)
            for index, on_slice in points.items():
                image = _slice(volume, index, case.patient, ends, tuple(doubts))
                image = dataclasses.replace(image, belongs=belongs)
                doubts = []
                yield from (point.lesion(case.image, image) for point in on_slice)
        progress(len(cases) + done, len(cases) + len(marked))
    mistakes.check(doubts)


def _points(
    case: _Case, folder: Path, labels: np.ndarray, spacing: tuple[float, float], names: Mapping[int, str]
) -> tuple[dict[int, list[Point]], list[Doubt]]:
    """Lesions by the number of their slice."""
    # One name for one file, in whatever way it is named.
    image = os.path.relpath(os.path.realpath(case.image), os.path.realpath(folder))
    points: dict[int, list[Point]] = {}
    doubts = []
    regions = find_regions(labels, spacing)
    if not regions:
        doubts.append(Doubt("empty", f"{case.where}: mask {case.mask} marks nothing"))
    for value, found in regions.items():
        label = case.label or names.get(value, str(value))
        for region in found:
            where = f"{case.where}: label {value} at slice {region.index}, row {region.row:.0f}"
            if region.is_speck:
                doubts.append(Doubt("specks", f"{where} has {region.num_pixels} pixels"))
                continue
            mark = Mark(where, {"label": label}, case.tags)
            point = Point(mark, f"{image}#{region.index}", region.row, region.column, region.diameter_mm)
            points.setdefault(region.index, []).append(point)
    return points, doubts


def _digest(volume: "Volume") -> str:
    """Of the voxels as they are stored, in whatever orientation."""
    found = hashlib.sha256(repr(volume.stored.shape).encode())
    for values in volume.stored:
        found.update(values.tobytes())
    return found.hexdigest()


def _slice(volume: "Volume", index: int, patient: str, ends: Ends | None, doubts: tuple[Doubt, ...]) -> Slice:
    path, values = volume.grid.path, volume.slice(index)
    if not np.isfinite(values).all():
        raise DataError(f"{path}: slice {index} has values that are no numbers; write air in their place.")
    if not volume.grid.says_orientation:
        doubts = (*doubts, Doubt("orientation", f"{path} says in no or in two ways how the patient lies"))
    if not volume.grid.says_size:
        text = f"{path} has other distances in pixdim than in its affine, which is taken"
        doubts = (*doubts, Doubt("voxels", text))
    if ends is not None:
        return Slice(to_grey(values, ends), volume.grid.spacing_mm, patient, "grey", VALUE_RANGE, doubts=doubts)
    low, high = UNITS["HU"].limits or (0, 0)
    if values.min() > _NO_AIR_HU:
        text = (
            f"{path}: slice {index} has no value below {values.min():g}; if it is no CT, give --grey_range=0.5%,99.5%"
        )
        doubts = (*doubts, Doubt("not_ct", text))
    return Slice(np.rint(values).clip(low, high).astype(np.int16), volume.grid.spacing_mm, patient, "HU", doubts=doubts)


def _grey_doubts(path: Path, ends: Ends | None, grey_range: GreyRange | None) -> list[Doubt]:
    if ends is None:
        return []
    if grey_range is not None:
        return [Doubt("grey_range", f"{path} is no CT by --grey_range")]
    return [Doubt("grey_scale", f"{path} is no CT by {DESCRIPTION}")]


def _ends(volume: "Volume", chosen: GreyRange) -> Ends:
    try:
        return chosen.ends(volume.slice(index) for index in range(0, len(volume.stored), 1 + len(volume.stored) // 40))
    except DataError as error:
        raise DataError(f"{volume.grid.path}: {error}; convert it again.") from error


def _named(folder: Path, marks: Sequence[Mark], mistakes: Mistakes) -> list[_Case]:
    first: dict[str, Mark] = {}
    cases = []
    for mark in marks:
        image, patient = named_file(folder, mark.values["image"]), mark.values["patient"]
        other = first.setdefault(os.path.realpath(image), mark)
        if other.values["patient"] != patient:
            mistakes.add(
                f"{mark.where}: patient is {patient!r}, but {other.where} gives the same volume to "
                f"{other.values['patient']!r}; correct one.",
                [other.where, mark.where],
            )
        mask, label = named_file(folder, mark.values["mask"]), mark.values.get("label")
        if absent := [f"{path} {why}" for path in (image, mask) if (why := absence(path))]:
            text = f"{mark.where}: {absent[0]}; image and mask are relative to --input."
            mistakes.add(text, [mark.where])
        else:
            cases.append(_Case(mark.where, mask, image, patient, label, mark.tags))
    return cases


def _stem(path: Path) -> str | None:
    """Name without the suffix; None of what is no NIfTI file, and of macOS's companions of files."""
    suffix = next((suffix for suffix in SUFFIXES if path.name.lower().endswith(suffix)), None)
    return path.name[: -len(suffix)] if suffix and not path.name.startswith(".") else None


def _partner(path: Path, stem: str) -> tuple[Path, list[str]] | None:
    """Folder of a mask's volume and the names that it may have there; None of what is no mask."""
    if path.parent.name.startswith("labels"):
        # nnU-Net numbers the channels of a volume.
        return path.parent.parent / path.parent.name.replace("labels", "images", 1), [stem, f"{stem}_0000"]
    if stem.startswith("segmentation-"):
        return path.parent, [stem.replace("segmentation-", "volume-", 1)]
    return None


def _find(folder: Path, mistakes: Mistakes, doubts: list[Doubt], patient_of: PatientOf | None) -> list[_Case]:
    # Refuses a folder that is not there.
    list_files(folder)
    skipped: list[Path] = []
    again: list[Path] = []
    walked = walk_files(folder, skipped.append, again.append)
    files = {path: stem for path in walked if (stem := _stem(path)) is not None}
    doubts += [Doubt("unreadable", f"{path} cannot be read") for path in skipped]
    doubts += [Doubt("links", f"{path} is a link") for path in again]
    # A folder may be reached by a link and listed where it stands.
    real = functools.cache(lambda path: os.path.realpath(path))
    by_name: dict[tuple[str, str], Path] = {}
    for path, stem in sorted(files.items()):
        if (other := by_name.setdefault((real(path.parent), stem), path)) is not path:
            mistakes.add(f"{other} and {path} have one name, packed and not; remove one of them.")
    cases: list[_Case] = []
    for path, stem in sorted(files.items()):
        if (partner := _partner(path, stem)) is None:
            continue
        if by_name[real(path.parent), stem] is not path:
            continue
        place, names = partner
        images = [by_name[real(place), name] for name in names if (real(place), name) in by_name]
        if len(images) > 1:
            mistakes.add(f"{path} is a mask of {images[0]} or of {images[1]}; remove one of the two volumes.")
        elif images:
            with mistakes.collected():
                image = images[0].relative_to(folder).as_posix()
                patient = patient_of(image) if patient_of else names[0]
                cases.append(_Case(str(path), path, images[0], patient))
        else:
            wanted = place / f"{names[0]}{SUFFIXES[0]}"
            mistakes.add(f"{path} is a mask, but its volume {wanted} is missing; add it, or remove the mask.")
    masked = {case.image for case in cases}
    # Those of a test set have none.
    labelled = {case.image.parent for case in cases if case.image.parent != case.mask.parent}
    for path in sorted(files):
        if path.parent in labelled and path not in masked:
            doubts.append(Doubt("no_mask", f"{path} has no mask"))
    if not cases:
        mistakes.add(
            f"--input {folder} holds no NIfTI volumes with masks named as imagesTr/X, labelsTr/X or volume-N, "
            f"segmentation-N{also_unreadable(skipped)}; name them so, or give a csv with image, mask, patient."
        )
    return cases


def _recognise(folder: Path) -> str | None:
    found = sum(_stem(path) is not None for path in walk_files(folder))
    return f"it holds {found} NIfTI files" if found else None


NIFTI = Source(
    name="nifti",
    title="NIfTI volumes with masks",
    columns=("image", "mask", "patient"),
    read=_read,
    optional=("label",),
    needs_csv=False,
    outlines=True,
    options=("grey_range", "patient_of"),
    recognise=_recognise,
    about=(
        f"CT volumes in HU, or grey values where {DESCRIPTION} or --grey_range says that they are no CT, and masks of "
        "whole numbers on the same voxels, in any orientation. Without a csv imagesTr/X and labelsTr/X belong "
        f"together, or volume-N and segmentation-N, {DESCRIPTION} names the labels, and each volume is a patient, but "
        "for --patient. In a csv, image and mask are relative to --input. Each connected region of a label is a "
        "lesion, shown on the axial slice where it is largest."
    ),
)
