"""Grey PNG slices and a csv of marks: 16 bits hold HU + 32768 (DeepLesion's convention), 8 bits hold grey values."""

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, Progress, RawLesion, Slice, Source
from lesion_jax.sources.files import absence, list_files, named_file
from lesion_jax.sources.picture import check_size
from lesion_jax.sources.points import COLUMNS, Point, one_patient, points_by_image
from lesion_jax.sources.review import Mistakes

OFFSET_16_BIT = 32768


def load_png(path: Path) -> tuple[np.ndarray, str]:
    """Reads one image.

    Args:
      path: A PNG file of one channel, 8 or 16 bits.

    Returns:
      int16 [R, C] and its unit: "HU" of a 16-bit file, "grey" values from 0 to 255 of an 8-bit one.

    Raises:
      DataError: No such file, not a PNG, or not grey.
    """
    if why := absence(path):
        raise DataError(f"{path} {why}; the csv's `file` is relative to --input.")
    try:
        # Pillow warns of odd metadata, and of what is large and not yet a bomb.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=["PNG"]) as image:
            check_size(path, image)
            if (count := getattr(image, "n_frames", 1)) != 1:
                raise DataError(f"{path} holds {count} images; write each into a file.")
            mode, values = image.mode, np.asarray(image)
    except DataError:
        raise
    # Pillow has no exception of its own for what it cannot take apart.
    except Exception as error:
        if kind := _other_kind(path):
            raise DataError(f"{path} is a file of kind {kind}; convert it to PNG.") from error
        raise DataError(f"{path} is not a whole PNG file ({' '.join(str(error).split())}); copy it again.") from error
    if mode == "L":
        return values.astype(np.int16), "grey"
    if mode in ("I", "I;16"):
        return (values.astype(np.int32) - OFFSET_16_BIT).astype(np.int16), "HU"
    raise DataError(f"{path} is a PNG of mode {mode}; convert it to grey, with 8 or 16 bits.")


def _other_kind(path: Path) -> str | None:
    """What a file is that is no PNG, where that can be told."""
    try:
        with Image.open(path) as image:
            return image.format if image.format != "PNG" else None
    except Exception:
        pass
    try:
        with path.open("rb") as file:
            return "DICOM" if file.read(132)[128:] == b"DICM" else None
    except OSError:
        return None


def _read(folder: Path, marks: Sequence[Mark], progress: Progress) -> Iterator[RawLesion]:
    mistakes = Mistakes()
    # Refuses a folder that is not there before it misses a file in it.
    list_files(folder)
    wanted = _by_file(folder, points_by_image(marks, "file", mistakes))
    for done, (name, points) in enumerate(wanted.items(), start=1):
        with mistakes.collected([point.mark.where for point in points]):
            path = folder / name
            spacing, patient = one_spacing(points), one_patient(points)
            pixels, unit = load_png(path)
            image = Slice(pixels, (spacing, spacing), patient or "", unit)
            yield from (point.lesion(path, image, name=name) for point in points)
        progress(done, len(wanted))
    mistakes.check()


def _by_file(folder: Path, points: dict[str, list[Point]]) -> dict[str, list[Point]]:
    """One name for one file, also where rows name it in several ways."""
    names: dict[str, str] = {}
    found: dict[str, list[Point]] = {}
    for name, of_name in points.items():
        plain = os.path.normpath(os.path.relpath(named_file(folder, name), folder))
        found.setdefault(names.setdefault(os.path.realpath(folder / plain), plain), []).extend(of_name)
    return found


def one_spacing(points: Sequence[Point]) -> float:
    """Spacing of an image as its rows give it, mm.

    Raises:
      DataError: The rows differ.
    """
    spacings = [point.mark.number("spacing_mm", positive=True) for point in points]
    for point, spacing in zip(points, spacings, strict=True):
        if spacing != spacings[0]:
            raise DataError(f"{point.mark.where}: spacing_mm of {point.image} differs between rows; correct it.")
    return spacings[0]


PNG = Source(
    name="png",
    title="PNG images and a csv of marks",
    columns=("file", "patient", "spacing_mm", *COLUMNS),
    read=_read,
    about=(
        "Grey PNG files; file is relative to --input, spacing_mm is the distance between pixels. 16 bits hold "
        "HU + 32768; 8 bits hold grey values from 0 to 255, as of an X-ray. A dataset holds one or the other."
    ),
)
