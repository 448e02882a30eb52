"""Where DICOM slices lie in the patient, so that what is drawn on them finds them. Imports pydicom: import it late."""

import dataclasses
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pydicom
from pydicom.multival import MultiValue

from lesion_jax.sources.dicom_file import begin, instance_uid, quiet
from lesion_jax.sources.frame_names import file_uid, frame_name
from lesion_jax.sources.grey_slice import MODALITIES

# PixelSpacing, and PerFrameFunctionalGroupsSequence.
_LAST, _FRAMES = 0x00280030, 0x52009230
_FRAME_GROUPS = ("PlanePosition", "PlaneOrientation", "PixelMeasures")
# Of a pixel, and of a cosine: what rounding in headers makes of one plane.
_SAME_PLACE, _SAME_DIRECTION = 0.1, 1e-3
_SAME_HEIGHT_MM = 0.05
# Of the usual distance between slices: where more lies between two, one is missing.
_GAP = 1.6
# Contours come with two decimals.
_IN_PLANE_MM = 0.1


@dataclasses.dataclass(frozen=True, eq=False)
class Plane:
    """The grid of pixels of a slice or of a frame.

    Attributes:
      shape: (rows, columns).
      corner: float64 [3], centre of the first pixel, mm.
      across: float64 [3], unit vector along a row.
      down: float64 [3], unit vector along a column.
      spacing_mm: (row, column) distance between pixel centres, mm.
      frame_of_reference: UID of the space that these are in.
    """

    shape: tuple[int, int]
    corner: np.ndarray
    across: np.ndarray
    down: np.ndarray
    spacing_mm: tuple[float, float]
    frame_of_reference: str

    @property
    def height(self) -> float:
        """Distance from the space's origin along the normal, mm."""
        return float(self.normal @ self.corner)

    @property
    def normal(self) -> np.ndarray:
        """float64 [3], unit vector out of the plane."""
        return np.cross(self.across, self.down)

    def to_pixels(self, points: np.ndarray) -> np.ndarray:
        """Where points [N, 3] in mm lie: float64 [N, 2], row and column."""
        away = points - self.corner
        return np.stack([away @ self.down, away @ self.across], -1) / np.array(self.spacing_mm)

    def is_same(self, other: "Plane") -> bool:
        """Whether pixel for pixel they are one."""
        return (
            self.shape == other.shape
            and np.allclose(self.spacing_mm, other.spacing_mm, rtol=1e-3)
            and np.allclose([self.across, self.down], [other.across, other.down], atol=_SAME_DIRECTION)
            and float(np.linalg.norm(self.corner - other.corner)) <= _SAME_PLACE * min(self.spacing_mm)
        )


@dataclasses.dataclass(eq=False)
class Instance:
    """A slice that something may be drawn on.

    Attributes:
      uid: Its name: the SOPInstanceUID, of a multi-frame object with the number of the frame.
      series: SeriesInstanceUID, or what stands for an empty one.
      plane: Where it lies.
      paths: Its copies.
      frame: Number of the frame, from 1; None where the file is one image.
    """

    uid: str
    series: str
    plane: Plane
    paths: list[Path]
    frame: int | None = None


class Slices:
    """The slices below a folder, by SOPInstanceUID and by place."""

    def __init__(self, by_uid: Mapping[str, Instance]):
        """Takes the slices by `Instance.uid`."""
        self.by_uid = by_uid
        self._frames: dict[str, list[Instance]] = {}
        for one in by_uid.values():
            self._frames.setdefault(file_uid(one.uid), []).append(one)
        self._all = list(by_uid.values())
        self._corners = np.array([one.plane.corner for one in self._all]).reshape(-1, 3)
        self._normals = np.array([one.plane.normal for one in self._all]).reshape(-1, 3)

    def find(self, plane: Plane, sources: Collection[str], referenced: Collection[str]) -> list[Instance]:
        """Slices whose pixels are those of a plane.

        Args:
          plane: A plane that something is drawn on.
          sources: Names of the slices that it was drawn on; of a multi-frame object perhaps without the frame.
          referenced: Without them, UIDs of the series or slices that may be meant; without any, slices of the plane's
            frame of reference are.
        """
        away = np.linalg.norm(self._corners - plane.corner, axis=1) if not sources else None
        some = self._meant(away, _SAME_PLACE * min(plane.spacing_mm), plane.frame_of_reference, sources, referenced)
        return [one for one in some if one.plane.is_same(plane)]

    def find_around(
        self, points: np.ndarray, frame_of_reference: str, sources: Collection[str], referenced: Collection[str]
    ) -> list[Instance]:
        """Slices that points lie in.

        Args:
          points: float64 [N, 3], mm.
          frame_of_reference: UID of the space that they are in.
          sources: As for `find`.
          referenced: As for `find`.
        """
        away = np.abs(((self._corners - points[0]) * self._normals).sum(1)) if not sources else None
        some = self._meant(away, _IN_PLANE_MM, frame_of_reference, sources, referenced)
        return [one for one in some if np.abs((points - one.plane.corner) @ one.plane.normal).max() <= _IN_PLANE_MM]

    def _meant(
        self,
        away: np.ndarray | None,
        most: float,
        frame_of_reference: str,
        sources: Collection[str],
        referenced: Collection[str],
    ) -> list[Instance]:
        """The slices that are named, or those that are no farther `away` than `most`."""
        if away is None:
            return list({one.uid: one for name in sources for one in self._named(name)}.values())
        near = [self._all[i] for i in np.flatnonzero(away <= most)]
        if referenced:
            return [one for one in near if file_uid(one.uid) in referenced or one.series in referenced]
        return [one for one in near if one.plane.frame_of_reference == frame_of_reference]

    def _named(self, name: str) -> list[Instance]:
        """The slice of a name, all frames of a file, or its only image."""
        if name in self.by_uid:
            return [self.by_uid[name]]
        frames = self._frames.get(file_uid(name), [])
        return frames if name == file_uid(name) or len(frames) == 1 else []

    def number(self, series: str) -> dict[str, int]:
        """Numbers the slices of a series from below, by UID.

        Those at one height, as of two phases, share a number; where slices are missing, a number is left out.
        """
        some = [one for one in self._all if one.series == series]
        heights = np.array([one.plane.height for one in some])
        order = np.argsort(heights, kind="stable")
        steps = np.diff(heights[order], prepend=heights[order[:1]])
        is_next = steps > _SAME_HEIGHT_MM
        usual = float(np.median(steps[is_next])) if is_next.any() else np.inf
        numbers = np.cumsum(is_next.astype(int) + (steps > _GAP * usual))
        return {some[i].uid: int(number) for i, number in zip(order, numbers, strict=True)}


def referenced_images(items: Iterable[pydicom.Dataset]) -> frozenset[str]:
    """Names of the images that items with ReferencedSOPInstanceUID and perhaps ReferencedFrameNumber refer to."""
    names = set()
    for item in items:
        if uid := str(item.get("ReferencedSOPInstanceUID") or ""):
            frames = item.get("ReferencedFrameNumber") or [None]
            names |= {frame_name(uid, one) for one in (frames if isinstance(frames, MultiValue | list) else [frames])}
    return frozenset(names)


def functional(data: pydicom.Dataset, group: pydicom.Dataset, field: str) -> pydicom.Dataset:
    """The one item of a functional group, of the frame or of all frames.

    Args:
      data: A multi-frame object.
      group: An item of its PerFrameFunctionalGroupsSequence.
      field: The sequence that is meant.

    Raises:
      ValueError: There is none. pydicom raises other things too.
    """
    shared = data.get("SharedFunctionalGroupsSequence") or [pydicom.Dataset()]
    if found := group.get(field) or shared[0].get(field):
        return found[0]
    raise ValueError(f"{field} is missing")


def frame_plane(data: pydicom.Dataset, group: pydicom.Dataset) -> Plane:
    """The grid of one frame; the arguments and errors are those of `functional`."""
    place, turn, pixel = (functional(data, group, f"{name}Sequence") for name in _FRAME_GROUPS)
    return make_plane(data, place, turn, pixel)


def make_plane(data: pydicom.Dataset, place: pydicom.Dataset, turn: pydicom.Dataset, pixel: pydicom.Dataset) -> Plane:
    """The grid that a header describes.

    Args:
      data: Has Rows, Columns and FrameOfReferenceUID.
      place: Has ImagePositionPatient.
      turn: Has ImageOrientationPatient.
      pixel: Has PixelSpacing.

    Raises:
      ValueError: Something is missing or no number. pydicom raises other things too.
    """
    corner = _numbers(place, "ImagePositionPatient", 3)
    across, down = _numbers(turn, "ImageOrientationPatient", 6).reshape(2, 3)
    spacing = _numbers(pixel, "PixelSpacing", 2)
    if spacing.min() <= 0:
        raise ValueError("PixelSpacing is not above 0")
    reference = str(data.get("FrameOfReferenceUID") or "")
    return Plane((int(data.Rows), int(data.Columns)), corner, across, down, (spacing[0], spacing[1]), reference)


def index_planes(
    paths: Collection[Path], kinds: Collection[str], progress: Callable[[int], None]
) -> tuple[Slices, list[Path], list[Path]]:
    """Finds all slices, and the files of some kinds, reading only the beginning of each.

    Args:
      paths: Files; those that are not DICOM, or do not say where they lie, are passed over.
      kinds: SOPClassUIDs of the other files to find.
      progress: Called with the number of files done.

    Returns:
      The slices, files of `kinds`, files that the system does not let us read.
    """
    slices: dict[str, Instance] = {}
    others, unreadable = [], []
    with quiet():
        for done, path in enumerate(paths, start=1):
            try:
                with path.open("rb") as file:
                    data = begin(file, last=_LAST)
                if data.get("SOPClassUID") in kinds:
                    others.append(path)
                elif uid := instance_uid(data):
                    for one in _images(path, data, uid):
                        slices.setdefault(one.uid, one).paths.append(path)
            except OSError:
                unreadable.append(path)
            except Exception:
                # Not DICOM, or nothing that could be drawn on: pydicom raises all sorts of things.
                pass
            progress(done)
    return Slices(slices), others, unreadable


def _images(path: Path, data: pydicom.Dataset, uid: str) -> Iterator[Instance]:
    """The image of a file, or its frames."""
    # Dose lies in the same space, and nobody draws on it.
    if str(data.get("Modality") or "CT") not in ("CT", *MODALITIES):
        return
    planes: dict[int | None, Plane] = {}
    if "ImagePositionPatient" in data:
        planes[None] = make_plane(data, data, data, data)
    elif "NumberOfFrames" in data:
        with path.open("rb") as file:
            data = begin(file, last=_FRAMES)
        for number, group in enumerate(data.PerFrameFunctionalGroupsSequence, start=1):
            planes[number] = frame_plane(data, group)
    for frame, plane in planes.items():
        # Anonymisers empty UIDs; slices of different people would make one series.
        series = str(data.get("SeriesInstanceUID") or plane.frame_of_reference or path.parent)
        yield Instance(frame_name(uid, frame), series, plane, [], frame)


def _numbers(data: pydicom.Dataset, field: str, count: int) -> np.ndarray:
    values = np.array([float(number) for number in data.get(field) or ()])
    if values.shape != (count,) or not np.isfinite(values).all():
        raise ValueError(f"{field} is not {count} numbers")
    return values
