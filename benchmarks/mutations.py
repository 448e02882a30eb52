"""Ways to damage a file, for `mutated_files.py`."""

import gzip
import os
import random
import struct
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from small_sources import Input

# Lengths, counts and tags that a reader may believe.
_HOSTILE = (
    b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\0", b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0",
    b"\x00\x00\x80\x7f", b"\x00\x00\xc0\x7f", b"\xff\xff", b"\x00\x00\x00\x80", b"\xe0\x7f\x10\x00",
)  # fmt: skip
_NAMES = (
    "../../../etc/passwd", "/etc/passwd", "/dev/zero", "/dev/stdin", "in", ".", "..", "", "a\0b", "x" * 300, "a/" * 900,
    "\ud800", "$(reboot)", "con.png", "%s%s%n", "../lesions.csv", "loop/0.png",
)  # fmt: skip
_UNPACKED = 3 << 30


def _flip(draw: random.Random, data: bytearray) -> None:
    for _ in range(draw.choice([1, 1, 1, 4, 30])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def _replace(draw: random.Random, data: bytearray) -> None:
    # Headers come first.
    at = draw.randrange(draw.choice([len(data), min(len(data), 1500)]))
    data[at] = draw.randrange(256)


def _cut(draw: random.Random, data: bytearray) -> None:
    del data[draw.randrange(len(data)) :]


def _insert(draw: random.Random, data: bytearray) -> None:
    at = draw.randrange(len(data))
    data[at:at] = draw.randbytes(draw.randrange(1, 20))


def _remove(draw: random.Random, data: bytearray) -> None:
    at = draw.randrange(len(data))
    del data[at : at + draw.randrange(1, 20)]


def _exchange(draw: random.Random, data: bytearray) -> None:
    size = draw.choice([2, 4, 8, 64])
    first, second = sorted(draw.randrange(max(1, len(data) - size)) for _ in range(2))
    data[first : first + size], data[second : second + size] = data[second : second + size], data[first : first + size]


def _lie(draw: random.Random, data: bytearray) -> None:
    value = draw.choice(_HOSTILE)
    at = draw.randrange(max(1, min(len(data), draw.choice([400, 1500, len(data)])) - len(value)))
    data[at : at + len(value)] = value


def _tags(draw: random.Random, data: bytearray) -> None:
    """Exchanges the tags of two elements of DICOM, or of two columns of a csv, wherever there are some."""
    kinds = (b"DS", b"IS", b"US", b"UI", b"CS", b"LO", b"SQ", b"SS", b"OW", b"OB")
    places = [at - 4 for kind in kinds for at in _all(data, kind) if at >= 4]
    commas = _all(data, b",")
    if draw.random() < 0.5 and len(places) > 1:
        first, second = draw.sample(places, 2)
        size = draw.choice([4, 6, 8])
        data[first : first + size], data[second : second + size] = (
            data[second : second + size],
            data[first : first + size],
        )
    elif len(commas) > 1:
        data[draw.choice(commas)] = draw.choice(b'"\n;\t\0,')
    else:
        _exchange(draw, data)


def _number(draw: random.Random, data: bytearray) -> None:
    """Writes what is hardly a number where digits are."""
    digits = [at for at in range(len(data)) if 48 <= data[at] < 58]
    at = draw.choice(digits or [0])
    text = draw.choice([b"nan", b"inf", b"-1", b"1e99", b"9" * 12, b"0", b"1,5", b"\\", b"1e-9", "٣".encode()])
    data[at : at + (len(text) if draw.random() < 0.8 else 1)] = text


def _all(data: bytearray, word: bytes) -> list[int]:
    found, at = [], data.find(word)
    while at >= 0 and len(found) < 500:
        found.append(at)
        at = data.find(word, at + 1)
    return found


def _bomb(draw: random.Random, path: Path, data: bytearray) -> bytes:
    """The file with a stream of a few megabytes that unpacks to gigabytes, in the way of its kind."""
    del draw
    # A block after which the packer forgets all before: as often as one likes.
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)
    blocks, end = block * (_UNPACKED >> 24), b"\x03\0"
    stream = b"\x78\xda" + blocks + end + b"\0\0\0\1"
    if data[:4] == b"\x89PNG":
        size = struct.pack(">IIBBBBB", 40_000, 40_000, 16, 0, 0, 0, 0)
        chunks = [(b"IHDR", size), (b"zTXt", b"a\0\0" + stream), (b"IDAT", stream), (b"IEND", b"")]
        return bytes(data[:8]) + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )
    if path.name.endswith(".gz"):
        head = zlib.compressobj(9, zlib.DEFLATED, -15)
        begin = head.compress(gzip.decompress(bytes(data))[:352]) + head.flush(zlib.Z_FULL_FLUSH)
        return gzip.compress(b"")[:10] + begin + blocks + end + bytes(8)
    syntax = b"1.2.840.10008.1.2.1.99"
    if (at := data.find(syntax)) > 0:
        # All after the file meta is one stream, without zlib's head: the slice, and a private element of gigabytes.
        meta = at + len(syntax)
        head = zlib.compressobj(9, zlib.DEFLATED, -15)
        element = b"\xe1\x7f\x01\x10OB\0\0" + _UNPACKED.to_bytes(4, "little")
        begin = head.compress(zlib.decompress(bytes(data[meta:]), -15) + element) + head.flush(zlib.Z_FULL_FLUSH)
        return bytes(data[:meta]) + begin + blocks + end
    return bytes(data) + stream


_BYTES = {
    "bits flipped": _flip, "byte replaced": _replace, "cut short": _cut, "bytes inserted": _insert,
    "bytes removed": _remove, "blocks exchanged": _exchange, "length that lies": _lie, "tags exchanged": _tags,
    "odd number": _number,
}  # fmt: skip
NAMES = (*_BYTES, "stream that unpacks to gigabytes", "name that leads elsewhere", "link that loops")
_cache: dict[Path, bytes] = {}


def damage(draw: random.Random, whole: Input, content: Mapping[Path, bytes]) -> tuple[str, Callable[[], None]]:
    """Damages one file of an input.

    Args:
      draw: Of everything.
      whole: The input.
      content: What is in its files when they are whole.

    Returns:
      How it was damaged, and a function that makes it whole again.
    """
    path = draw.choice(list(whole.files))
    roll = draw.random()
    if roll < 0.02:
        if path not in _cache:
            _cache[path] = _bomb(draw, path, bytearray(content[path]))
        path.write_bytes(_cache[path])
        return NAMES[-3], lambda: _restore(path, content)
    if roll < 0.06 and whole.annotations:
        lines = whole.annotations.read_text().split("\n")
        row = draw.randrange(1, len(lines) - 1)
        cells = lines[row].split(",")
        cells[draw.choice([0, len(cells) - 1])] = draw.choice(_NAMES)
        before = whole.annotations.read_bytes()
        text = "\n".join([*lines[:row], ",".join(cells), *lines[row + 1 :]])
        whole.annotations.write_bytes(text.encode("utf-8", "surrogatepass"))
        return NAMES[-2], lambda: (whole.annotations.write_bytes(before), None)[1]  # type: ignore[union-attr]
    if roll < 0.09 and whole.folder.is_dir():
        return NAMES[-1], _link(draw, whole, path, content)
    data = bytearray(content[path])
    # What is packed is also damaged within, where no checksum tells.
    is_within = path.name.endswith(".gz") and draw.random() < 0.7
    data = bytearray(gzip.decompress(bytes(data))) if is_within else data
    name = draw.choice(list(_BYTES))
    _BYTES[name](draw, data)
    path.write_bytes(gzip.compress(bytes(data), 1) if is_within else bytes(data))
    return name, lambda: _restore(path, content)


def _restore(path: Path, content: Mapping[Path, bytes]) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(content[path])


def _link(draw: random.Random, whole: Input, path: Path, content: Mapping[Path, bytes]) -> Callable[[], None]:
    """Links to the folder itself, to each other, to nowhere; a file that is a link to itself or to a device."""
    kind, extra = draw.randrange(5), whole.folder / "loop"
    if kind == 0:
        extra.symlink_to(whole.folder, target_is_directory=True)
    elif kind == 1:
        extra.symlink_to(whole.folder / "pool")
        (whole.folder / "pool").symlink_to(extra)
    elif kind == 2:
        extra.symlink_to("/nowhere/at/all")
    elif kind == 3:
        os.mkfifo(extra)
    else:
        path.unlink()
        path.symlink_to(draw.choice([path.name, "/dev/zero", "/dev/null", "../lesions.csv"]))

    def undo() -> None:
        for made in (extra, whole.folder / "pool"):
            if made.is_symlink() or made.exists():
                made.unlink()
        _restore(path, content)

    return undo
