"""What a build would make of its input, found out before anything is written."""

import dataclasses
import math
import re

import numpy as np

from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.data.augment import original
from lesion_jax.data.folds import Folds, make_folds
from lesion_jax.errors import FoldError
from lesion_jax.sources.base import Progress, RawLesion
from lesion_jax.sources.cohort import to_lesions
from lesion_jax.sources.files import list_files
from lesion_jax.sources.likeness import alike, signature
from lesion_jax.sources.reading import Asked, Reading, read_marked

# ROIs are compared with the tissue that the networks get by default, and small.
_SIDE, _MARGIN = 32, 0.25
# They are shown with more around them.
_WIDE = 0.5
_SCANNER = "scanner by the header"


@dataclasses.dataclass(frozen=True, eq=False)
class Preflight:
    """What would become of a build.

    Attributes:
      reading: What was read, with all mistakes and doubts.
      lesions: The lesions of `reading.found`, in its order; with mistakes, those that could be read.
      lesion_set: The same as a dataset, with the scanner of the header as a tag; None without lesions.
      folds: The partition, or why there can be none; None where none was asked for.
      alike: Sentences on pairs of ROIs that look the same, of two patients or of two classes.
      overlapping: Sentences on pairs of marks in one image, of which the smaller one reaches the other's centre.
      num_files: Files below the input; 0 where that is a file itself.
      num_unused: Those of them that hold no lesion of `lesions`.
    """

    reading: Reading
    lesions: list[Lesion]
    lesion_set: LesionSet | None
    folds: Folds | FoldError | None
    alike: list[str]
    overlapping: list[str]
    num_files: int
    num_unused: int

    def check(self) -> None:
        """Raises what would end the build: DataErrors with all mistakes, or the FoldError."""
        self.reading.review.check()
        if isinstance(self.folds, FoldError):
            raise self.folds

    @property
    def captions(self) -> list[str]:
        """What names each lesion to the user, the line of the csv or the number of its file, and its size.

        No name of a file or of a patient: a contact sheet may be shown around.
        """
        paths = sorted({raw.path for raw, _ in self.reading.found})
        numbers = {path: number for number, path in enumerate(paths, start=1)}
        return [_caption(raw, numbers[raw.path]) for raw, _ in self.reading.found]

    def rois(self, side: int, progress: Progress) -> tuple[np.ndarray, float]:
        """The lesions with their surroundings, at least one.

        Args:
          side: H.
          progress: Called as progress(done, total) with numbers of lesions.

        Returns:
          int16 [N, H, H], in the dataset's unit, and the lesion's diameter as a share of the side; 0 where images are
          lesions as a whole.
        """
        margin, mark = (_WIDE, 1 / (1 + 2 * _WIDE)) if self.has_marks else (_MARGIN, 0.0)
        return _crops(self.lesions, side, margin, progress), mark

    @property
    def has_marks(self) -> bool:
        """Whether lesions are marked in larger images, not images as a whole."""
        return not all(raw.image.reflected for raw, _ in self.reading.found)


def look_ahead(asked: Asked, num_folds: int, fold_seed: int, progress: Progress, compared: Progress) -> Preflight:
    """Reads and checks everything that a build would, and writes nothing.

    Args:
      asked: What to read.
      num_folds: Test folds; 0 for none.
      fold_seed: Seed of the partition.
      progress: See `read_marked`.
      compared: The same of the ROIs that are compared, which comes after.

    Raises:
      ConfigError, DataError: See `read_marked`.
    """
    reading = read_marked(asked, progress)
    raws = [raw for raw, _ in reading.found]
    if not raws:
        return Preflight(reading, [], None, None, [], [], 0, 0)
    files = {path.resolve() for path in list_files(asked.input)} if asked.input.is_dir() else set()
    unused = files - {raw.path.resolve() for raw in raws}
    lesions = to_lesions(reading)
    first = raws[0].image
    shown = [
        dataclasses.replace(lesion, tags={**lesion.tags, _SCANNER: raw.image.scanner}) if raw.image.scanner else lesion
        for raw, lesion in zip(raws, lesions, strict=True)
    ]
    lesion_set = LesionSet.of(shown, reading.class_names, first.unit, first.value_range)
    return Preflight(
        reading=reading,
        lesions=lesions,
        lesion_set=lesion_set,
        folds=_folds(lesion_set, num_folds, fold_seed) if num_folds else None,
        alike=_alike(raws, _crops(lesions, _SIDE, _MARGIN, compared)),
        overlapping=_overlapping(raws),
        num_files=len(files),
        num_unused=len(unused),
    )


def _folds(lesions: LesionSet, num_folds: int, seed: int) -> Folds | FoldError:
    try:
        return make_folds(lesions, num_folds, seed)
    except FoldError as error:
        return error


def _caption(raw: RawLesion, number: int) -> str:
    line = re.search(r" (line \d+)$", raw.where)
    image = line[1] if line else f"file {number}"
    if raw.image.reflected:
        # A benchmark has many in one file, which number them.
        return f"{image}, {raw.name}" if re.fullmatch(r"\w+/\d+", raw.name) else image
    return f"{image if line else f'{image}, row {raw.row:.0f}, column {raw.column:.0f}'}: {raw.diameter_mm:.1f} mm"


def _crops(lesions: list[Lesion], side: int, margin: float, progress: Progress) -> np.ndarray:
    found = np.empty((len(lesions), side, side), np.int16)
    for index, lesion in enumerate(lesions):
        found[index] = original(lesion, side, margin)
        progress(index + 1, len(lesions))
    return found


def _alike(raws: list[RawLesion], rois: np.ndarray) -> list[str]:
    told = []
    for i, j in alike([signature(roi) for roi in rois]):
        one, other = raws[i], raws[j]
        differ = []
        if one.image.patient != other.image.patient:
            differ.append("patients")
        if one.label != other.label:
            differ.append(f"classes, {one.label!r} and {other.label!r}")
        if differ:
            told.append(f"{other.where}: its ROI looks like that of {one.where}, of two {' and two '.join(differ)}.")
    return told


def _overlapping(raws: list[RawLesion]) -> list[str]:
    by_image: dict[str, list[RawLesion]] = {}
    told = []
    for other in raws:
        same = by_image.setdefault(other.name, [])
        for one in same:
            down, across = other.image.spacing_mm
            apart = math.hypot((one.row - other.row) * down, (one.column - other.column) * across)
            if apart < min(one.diameter_mm, other.diameter_mm) / 2:
                labels = f", {one.label!r} and {other.label!r}" if one.label != other.label else ""
                told.append(f"{other.where}: {apart:.1f} mm beside that of {one.where}{labels}.")
        same.append(other)
    return told
