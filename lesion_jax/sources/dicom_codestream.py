"""What a compressed image says of itself: decoders make of it what the DICOM header says, right or wrong.

Sizes and precisions stand in a frame header of JPEG, JPEG Lossless and JPEG-LS (ITU-T T.81, B.2.2; T.87, C.2.2), or in
the SIZ segment of JPEG 2000 (T.800, A.5.1). RLE says nothing.
"""

import dataclasses

# Of JPEG, the frame headers among C0 to CF; F7 is JPEG-LS's.
_FRAME_HEADERS = (*(marker for marker in range(0xC0, 0xD0) if marker not in (0xC4, 0xC8, 0xCC)), 0xF7)
_SCAN = 0xDA
_SIZ = b"\xff\x4f\xff\x51"


@dataclasses.dataclass(frozen=True)
class Codestream:
    """A compressed image.

    Attributes:
      rows: Its rows.
      columns: Its columns.
      bits: Bits of a sample.
    """

    rows: int
    columns: int
    bits: int


def describe(frame: bytes) -> Codestream | None:
    """What a compressed image says of itself; None where it does not, or is damaged.

    Args:
      frame: The image as it is stored.
    """
    if (at := frame.find(_SIZ, 0, 512)) >= 0:
        size = frame[at + 8 : at + 24]
        columns, rows, left, top = (int.from_bytes(size[i : i + 4], "big") for i in range(0, 16, 4))
        bits = frame[at + 42] if len(frame) > at + 42 else 0
        return Codestream(rows - top, columns - left, (bits & 0x7F) + 1)
    at = 2 if frame[:2] == b"\xff\xd8" else len(frame)
    while at + 9 < len(frame) and frame[at] == 0xFF and frame[at + 1] != _SCAN:
        if frame[at + 1] in _FRAME_HEADERS:
            rows, columns = (int.from_bytes(frame[at + i : at + i + 2], "big") for i in (5, 7))
            return Codestream(rows, columns, frame[at + 4])
        # Markers may be preceded by fill bytes.
        at += 1 if frame[at + 1] == 0xFF else 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None
