"""One DICOM segmentation: what is drawn on which plane. Imports pydicom: import it late."""

import dataclasses
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom

from lesion_jax.errors import DataError
from lesion_jax.sources.dicom_file import read_file, whole
from lesion_jax.sources.planes import Plane, frame_plane, functional, referenced_images

_MOST_PIXELS = 1 << 30


@dataclasses.dataclass(frozen=True, eq=False)
class Drawing:
    """What is drawn of one segment on one plane.

    Attributes:
      segment: Its number.
      plane: Where.
      sources: Names of the images that it was drawn on (`frame_names`); empty where the file does not say.
      mask: bool [R, C].
    """

    segment: int
    plane: Plane
    sources: frozenset[str]
    mask: np.ndarray


@dataclasses.dataclass(frozen=True, eq=False)
class Segmentation:
    """A segmentation.

    Attributes:
      labels: Label of every segment by its number.
      referenced: UIDs of the series and slices that the file as a whole refers to.
      drawings: What is drawn.
    """

    labels: dict[int, str]
    referenced: frozenset[str]
    drawings: list[Drawing]


def load_segmentation(path: Path) -> Segmentation:
    """Reads a binary or fractional segmentation, or a label map; a fraction of a half or more is taken as drawn.

    Args:
      path: A DICOM file of Segmentation Storage or Label Map Segmentation Storage.

    Raises:
      DataError: Cut short, damaged, or without planes.
    """
    with whole(path, "segmentation with planes"):
        return _load(path, read_file(path))


def _load(path: Path, data: pydicom.Dataset) -> Segmentation:
    groups = data.PerFrameFunctionalGroupsSequence
    size = len(groups) * int(data.Rows) * int(data.Columns)
    if size > _MOST_PIXELS or len(groups) != int(data.NumberOfFrames):
        raise DataError(
            f"{path} has {len(groups)} planes described of {data.NumberOfFrames} frames of {data.Rows} x "
            f"{data.Columns}; they must be as many, and at most {_MOST_PIXELS >> 20} million pixels."
        )
    labels = {int(one.SegmentNumber): str(one.get("SegmentLabel") or one.SegmentNumber) for one in data.SegmentSequence}
    pixels = data.pixel_array.reshape(len(groups), int(data.Rows), int(data.Columns))
    drawings = [drawing for group, frame in zip(groups, pixels, strict=True) for drawing in _drawn(data, group, frame)]
    if unknown := {drawing.segment for drawing in drawings} - set(labels):
        raise DataError(f"{path} draws segment {min(unknown)}, which it does not describe; export it again.")
    return Segmentation(labels, _referenced(data), drawings)


def _drawn(data: pydicom.Dataset, group: pydicom.Dataset, frame: np.ndarray) -> Iterator[Drawing]:
    plane = frame_plane(data, group)
    sources = referenced_images(
        source
        for derivation in group.get("DerivationImageSequence") or ()
        for source in derivation.get("SourceImageSequence") or ()
    )
    if data.SegmentationType == "LABELMAP":
        for number in np.unique(frame[frame > 0]).tolist():
            yield Drawing(number, plane, sources, frame == number)
        return
    least = math.ceil(int(data.MaximumFractionalValue) / 2) if data.SegmentationType == "FRACTIONAL" else 1
    number = int(functional(data, group, "SegmentIdentificationSequence").ReferencedSegmentNumber)
    yield Drawing(number, plane, sources, frame >= least)


def _referenced(data: pydicom.Dataset) -> frozenset[str]:
    found = set()
    for series in data.get("ReferencedSeriesSequence") or ():
        instances = [str(one.ReferencedSOPInstanceUID) for one in series.get("ReferencedInstanceSequence") or ()]
        found.update(instances or [str(series.SeriesInstanceUID)])
    # Emptied UIDs name nothing.
    return frozenset(uid for uid in found if uid)
