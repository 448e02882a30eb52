"""DICOM files whose data set is one deflated stream (PS3.5, A.5): a few megabytes may unpack to gigabytes."""

import zlib
from typing import BinaryIO

from pydicom.uid import DeflatedExplicitVRLittleEndian

MOST_BYTES = 1 << 30
_PREAMBLE, _AT_ONCE = 132, 1 << 14
# Value representations with a length of four bytes.
_LONG = (b"OB", b"OW", b"UN", b"SQ", b"UT")


def packed_at(file: BinaryIO) -> int | None:
    """Where the stream begins; None of a file that is not deflated. The file is left at its beginning."""
    file.seek(0)
    head = file.read(2048)
    file.seek(0)
    if head[128:_PREAMBLE] != b"DICM" or DeflatedExplicitVRLittleEndian.encode() not in head:
        return None
    at = _PREAMBLE
    # The elements of the file meta information, whatever its group length says.
    while head[at : at + 2] == b"\x02\0":
        begin, size = (12, 4) if head[at + 4 : at + 6] in _LONG else (8, 2)
        at += begin + int.from_bytes(head[at + begin - size : at + begin], "little")
    return at


def unpacked_size(file: BinaryIO, at: int) -> int:
    """Bytes that the stream unpacks to, counted up to `MOST_BYTES`; the file is left at its beginning.

    Raises:
      zlib.error: It is damaged.
    """
    file.seek(at)
    unpacker, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    # A piece unpacks to a thousand times as much at most.
    while not unpacker.eof and size <= MOST_BYTES and (packed := file.read(_AT_ONCE)):
        size += len(unpacker.decompress(packed))
    file.seek(0)
    return size
