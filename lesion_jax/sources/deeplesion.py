"""DeepLesion as the NIH gives it: PNG slices and DL_info.csv (Yan et al. 2018, J. Med. Imaging 5(3), 036501).

Its FAQ: pixels are HU + 32768; coordinates count from 1; boxes reach 5 pixels beyond the two diameters, which are in
pixels, as `Lesion_diameters_Pixel_` says.
"""

import dataclasses
import math
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, Progress, RawLesion, Slice, Source, parse_number
from lesion_jax.sources.files import absence, list_files
from lesion_jax.sources.npz import SPLIT
from lesion_jax.sources.png import load_png, one_spacing
from lesion_jax.sources.points import Point, one_patient
from lesion_jax.sources.review import Doubt, Mistakes

_TYPES = {
    "1": "bone",
    "2": "abdomen",
    "3": "mediastinum",
    "4": "liver",
    "5": "lung",
    "6": "kidney",
    "7": "soft tissue",
    "8": "pelvis",
}
_UNKNOWN_TYPE = "-1"
_SPLITS = {"1": "train", "2": "val", "3": "test"}
_TYPE, _NOISY, _SPLIT, _SIZE = "coarse_lesion_type", "possibly_noisy", "train_val_test", "image_size"
# Patient, study, series and slice.
_NAME = re.compile(r"(\d{6})_\d\d_\d\d_\d{3}\.png")
_FIRST = 1


def _read(folder: Path, marks: Sequence[Mark], progress: Progress) -> Iterator[RawLesion]:
    mistakes = Mistakes()
    # Refuses a folder that is not there before it misses a file in it.
    list_files(folder)
    wanted: dict[str, list[Point]] = {}
    doubts: list[Doubt] = []
    first: dict[tuple[str, float, float], Mark] = {}
    names: dict[str, str] = {}
    for mark in marks:
        with mistakes.collected([mark.where]):
            if left_out := _left_out(mark):
                doubts.append(left_out)
                continue
            point = _point(mark)
            # One name for one file, also where rows name it in several ways.
            place = os.path.realpath(_find(folder, point.image))
            point = dataclasses.replace(point, image=names.setdefault(place, point.image))
            if (same := first.setdefault((point.image, point.row, point.column), mark)) is not mark:
                raise DataError(f"{mark.where}: this lesion is already marked in {same.where}; remove one of the rows.")
            wanted.setdefault(point.image, []).append(point)
    for done, (name, points) in enumerate(wanted.items(), start=1):
        with mistakes.collected([point.mark.where for point in points]):
            path = _find(folder, name)
            spacing, patient = one_spacing(points), one_patient(points)
            pixels, unit = load_png(path)
            if unit != "HU":
                raise DataError(f"{path} has 8 bits; DeepLesion's own PNG files have 16, take those.")
            for point in points:
                _check_size(path, pixels, point.mark)
            own = _NAME.fullmatch(name)
            belongs = {"number of a patient in their names": own[1]} if own else {}
            image = Slice(pixels, (spacing, spacing), patient or "", unit, belongs=belongs, doubts=tuple(doubts))
            doubts = []
            yield from (point.lesion(path, image) for point in points)
        progress(done, len(wanted))
    mistakes.check(doubts)


def _left_out(mark: Mark) -> Doubt | None:
    if _whole(mark.values.get(_NOISY, "0")).casefold() not in ("0", "false"):
        return Doubt("noisy", f"{mark.where} is possibly noisy")
    if "label" not in mark.values and _whole(mark.values[_TYPE]) == _UNKNOWN_TYPE:
        return Doubt("no_type", f"{mark.where} has no type")
    return None


def _point(mark: Mark) -> Point:
    left, top, right, bottom = _numbers(mark, "bounding_boxes", 4)
    longest = max(_numbers(mark, "lesion_diameters_pixel", 2))
    across, down, _ = _numbers(mark, "spacing_mm_px", 3)
    if not (left < right and top < bottom and longest <= math.hypot(right - left, bottom - top)):
        raise DataError(
            f"{mark.where}: bounding_boxes is {mark.values['bounding_boxes']!r}, no box of left, top, right and bottom "
            f"around a diameter of {longest:g} pixels; take the original's."
        )
    if longest <= 0 or across <= 0:
        raise DataError(f"{mark.where}: lesion_diameters_pixel and spacing_mm_px must be above 0; correct the row.")
    if across != down:
        raise DataError(f"{mark.where}: spacing_mm_px is {across:g}, {down:g}; pixels must be square, correct the row.")
    kind = _whole(mark.values[_TYPE])
    if "label" not in mark.values and kind not in _TYPES:
        raise DataError(f"{mark.where}: {_TYPE} is {kind!r}; it must be 1 to 8, or -1, or add a column label.")
    known = {
        "label": mark.values.get("label") or _TYPES[kind],
        "patient": mark.values["patient_index"],
        "spacing_mm": str(across),
    }
    split = _whole(mark.values.get(_SPLIT, ""))
    if split and split not in _SPLITS:
        raise DataError(
            f"{mark.where}: {_SPLIT} is {split!r}; it must be 1, 2 or 3, for {', '.join(_SPLITS.values())}."
        )
    tags: Mapping[str, str] = {**mark.tags, **({SPLIT: _SPLITS[split]} if split else {})}
    return Point(
        mark=dataclasses.replace(mark, values={**mark.values, **known}, tags=tags, decimal_comma=""),
        image=mark.values["file_name"],
        row=(top + bottom) / 2 - _FIRST,
        column=(left + right) / 2 - _FIRST,
        diameter_mm=longest * across,
    )


def _check_size(path: Path, pixels: np.ndarray, mark: Mark) -> None:
    """Refuses a slice that was made smaller or cropped, where the boxes would be elsewhere."""
    if _SIZE in mark.values and sorted(_numbers(mark, _SIZE, 2)) != sorted(pixels.shape):
        sides = " x ".join(map(str, pixels.shape))
        raise DataError(
            f"{mark.where}: {path} has {sides} pixels, but {_SIZE} is {mark.values[_SIZE]}; take the original."
        )


def _whole(text: str) -> str:
    """4 of "4.0", which programs write where a column has gaps."""
    return text.removesuffix(".0")


def _numbers(mark: Mark, column: str, count: int) -> list[float]:
    try:
        numbers = [parse_number(text.strip()) for text in mark.values[column].split(",")]
    except ValueError:
        numbers = []
    if len(numbers) != count or not all(map(math.isfinite, numbers)):
        raise DataError(
            f"{mark.where}: {column} is {mark.values[column]!r}; it must be {count} numbers with commas between them."
        )
    return numbers


def _find(folder: Path, name: str) -> Path:
    """The file of a slice: by its name, or as in the archives, by its number in the folder of its series."""
    name = name if os.path.exists(folder / name) else name.replace("\\", "/")
    series, _, number = name.rpartition("_")
    places = [place / one for place in (folder, folder / "Images_png") for one in (name, f"{series}/{number}")]
    absent = {path: why for path in places if (why := absence(path))}
    if found := [path for path in places if path not in absent]:
        return found[0]
    if refused := [f"{path} {why}" for path, why in absent.items() if why != "does not exist"]:
        raise DataError(f"{refused[0]}; add the slice or remove its rows.")
    raise DataError(f"{places[0]} does not exist, nor {places[1]}; add the slice or remove its rows.")


DEEPLESION = Source(
    name="deeplesion",
    title="DeepLesion's PNG files and DL_info.csv",
    columns=("file_name", "patient_index", "bounding_boxes", "lesion_diameters_pixel", "spacing_mm_px", _TYPE),
    read=_read,
    optional=("label", _NOISY, _SPLIT, _SIZE),
    about=(
        "DL_info.csv as it is, perhaps only some of its rows, and the slices that they name, as in the archives "
        "(Images_png/000001_01_01/109.png) or beside each other. A class is a Coarse_lesion_type, or what a column "
        "label says; a lesion lies in the middle of its box. Its split is kept as the tag split."
    ),
)
