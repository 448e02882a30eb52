"""One image of a DICOM file that holds several: enhanced CT and MR, and older multi-frame objects.

An enhanced object keeps rescale, spacing and orientation in functional groups, of each frame or of all (PS3.3,
C.7.6.16): read as a plain one it would be silently wrong. Imports pydicom: import it late.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pydicom

from lesion_jax.errors import DataError
from lesion_jax.sources.dicom_file import numbers

_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")
_FIELDS = ("PixelSpacing", "ImageOrientationPatient", "RescaleIntercept", "RescaleSlope", "RescaleType", "FrameType")


@contextlib.contextmanager
def restored(data: pydicom.Dataset) -> Iterator[None]:
    """Gives a data set its own header back at the end, where a frame's was taken: it does not hold for the next."""
    own = {field: data[field] for field in (*_FIELDS, "ImageType") if field in data}
    try:
        yield
    finally:
        for field in (*_FIELDS, "ImageType"):
            if field in own:
                data[field] = own[field]
            elif field in data:
                del data[field]


def take_frame(path: Path, data: pydicom.Dataset, frame: int | None) -> int:
    """Gives a data set the header of one of its frames, as if that were a file of its own.

    Args:
      path: For messages.
      data: All of a file; what functional groups say of the frame replaces what it says of all.
      frame: Number of the frame, from 1; None for the only one.

    Returns:
      Place of the frame in the file, from 0.

    Raises:
      DataError: There is no such frame, or several and `frame` is None.
    """
    count = 1
    if "NumberOfFrames" in data:
        stated = numbers(path, data, "NumberOfFrames", 1, "it must be a whole number of 1 or more")[0]
        if stated < 1 or stated % 1:
            raise DataError(f"{path}: NumberOfFrames is {stated:g}; it must be a whole number of 1 or more.")
        count = int(stated)
    if frame is None and count > 1:
        raise DataError(
            f"{path} is a multi-frame object of {count} images; say in a column `frame` of the csv which, from 1."
        )
    index = (frame or 1) - 1
    if not 0 <= index < count:
        raise DataError(f"{path} has {count} frames, and no frame {frame}; correct the row: they are counted from 1.")
    shared, each = (data.get(name) or [] for name in _GROUPS)
    if each and len(each) != count:
        raise DataError(f"{path} describes {len(each)} of {count} frames; export it again.")
    groups = [*shared[:1], *each[index : index + 1]]
    for group in groups:
        for sequence in group:
            for item in sequence.value if sequence.VR == "SQ" else ():
                for field in _FIELDS:
                    if field in item:
                        data[field] = item[field]
    if "FrameType" in data:
        data.ImageType = data.FrameType
    return index
