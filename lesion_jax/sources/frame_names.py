"""Names of images of files that hold one or several: the SOPInstanceUID, and the number of the frame."""

_BETWEEN = "#"


def frame_name(uid: str, frame: object) -> str:
    """Name of an image.

    Args:
      uid: SOPInstanceUID of the file.
      frame: Number of the frame, from 1; None where the file is one image, or nothing is said.
    """
    return uid if frame is None else f"{uid}{_BETWEEN}{frame}"


def file_uid(name: str) -> str:
    """SOPInstanceUID of the file that a name is of."""
    return name.partition(_BETWEEN)[0]


def frame_number(name: str) -> int | None:
    """Number of the frame, or None."""
    _, _, frame = name.partition(_BETWEEN)
    return int(frame) if frame else None
