"""One RT structure set: the contours of its structures. Imports pydicom: import it late."""

import dataclasses
from pathlib import Path

import numpy as np
import pydicom

from lesion_jax.sources.dicom_file import read_file, whole
from lesion_jax.sources.planes import referenced_images

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")


@dataclasses.dataclass(frozen=True, eq=False)
class Contour:
    """A closed curve in one plane.

    Attributes:
      corners: float64 [N, 3], mm in the patient's space.
      sources: Names of the images that it was drawn on (`frame_names`); empty where the file does not say.
    """

    corners: np.ndarray
    sources: frozenset[str]


@dataclasses.dataclass(frozen=True, eq=False)
class Structure:
    """A region of interest.

    Attributes:
      number: Its ROINumber.
      name: Its ROIName.
      frame_of_reference: UID of the space that the contours are in.
      contours: Its closed contours; points and open lines are left out. It may have none.
    """

    number: int
    name: str
    frame_of_reference: str
    contours: list[Contour]


@dataclasses.dataclass(frozen=True, eq=False)
class StructureSet:
    """What a file holds.

    Attributes:
      referenced: UIDs of the series that it refers to.
      structures: All of them.
    """

    referenced: frozenset[str]
    structures: list[Structure]


def load_structures(path: Path) -> StructureSet:
    """Reads the closed contours of a structure set.

    Args:
      path: A DICOM file of RT Structure Set Storage.

    Raises:
      DataError: Cut short, damaged, or without structures.
    """
    with whole(path, "structure set"):
        return _load(read_file(path))


def _load(data: pydicom.Dataset) -> StructureSet:
    described = {int(one.ROINumber): one for one in data.StructureSetROISequence}
    structures = []
    for drawn in data.get("ROIContourSequence") or ():
        number = int(drawn.ReferencedROINumber)
        contours = [
            _contour(one)
            for one in drawn.get("ContourSequence") or ()
            if one.ContourGeometricType in _CLOSED and one.get("ContourData")
        ]
        if number not in described:
            raise ValueError(f"it draws structure {number}, which it does not describe")
        one = described[number]
        name = str(one.get("ROIName") or number)
        structures.append(Structure(number, name, str(one.get("ReferencedFrameOfReferenceUID") or ""), contours))
    referenced = frozenset(
        uid
        for space in data.get("ReferencedFrameOfReferenceSequence") or ()
        for study in space.get("RTReferencedStudySequence") or ()
        for series in study.get("RTReferencedSeriesSequence") or ()
        if (uid := str(series.get("SeriesInstanceUID") or ""))
    )
    return StructureSet(referenced, structures)


def _contour(data: pydicom.Dataset) -> Contour:
    coordinates = np.array([float(number) for number in data.ContourData])
    if len(coordinates) % 3:
        raise ValueError(f"ContourData has {len(coordinates)} numbers, not three for each point")
    corners = coordinates.reshape(-1, 3)
    if len(corners) < 3 or not np.isfinite(corners).all():
        raise ValueError("ContourData is no closed curve")
    return Contour(corners, referenced_images(data.get("ContourImageSequence") or ()))
