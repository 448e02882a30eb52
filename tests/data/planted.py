"""Plants text that must not get out in all that names a patient, and looks for it in every byte of a folder."""

import contextlib
import gzip
import io
import zipfile
import zlib
from pathlib import Path

from pydicom.datadict import DicomDictionary, keyword_dict
from pydicom.dataset import Dataset
from pydicom.tag import Tag

# What a slice cannot be read without, or is refused for.
_TECHNICAL = {
    "Modality", "ImageType", "FrameType", "BurnedInAnnotation", "LossyImageCompression", "PhotometricInterpretation",
    "SOPClassUID", "ImageOrientationPatient", "SpecificCharacterSet", "NumberOfFrames", "PixelSpacing",
    "RescaleIntercept", "RescaleSlope", "RescaleType", "ImagePositionPatient",
}  # fmt: skip
_GROUPS = (0x0008, 0x0010, 0x0018, 0x0020, 0x0028, 0x0032, 0x0038, 0x0040, 0x0054)


def plant(data: Dataset, seed: int, shared: dict[str, str]) -> list[str]:
    """Fills every field of text, date and number of a header with something of its own; gives all that was planted.

    Args:
      data: A header; what is in it stays but for names and UIDs.
      seed: Distinguishes the files.
      shared: Planted in all files alike, by keyword.
    """
    planted = []
    for keyword, number in sorted(keyword_dict.items()):
        tag = Tag(number)
        kind, multiplicity, *_ = DicomDictionary[number]
        if tag.group not in _GROUPS or keyword in _TECHNICAL or multiplicity not in ("1", "1-n"):
            continue
        if keyword in shared:
            text = shared[keyword]
        elif (text := _text(kind, f"{seed}{number:08x}", 10 * number + seed)) is None or keyword == "SOPInstanceUID":
            continue
        setattr(data, keyword, text)
        planted.append(text)
    block = data.private_block(0x0009, f"ZqxMaker{seed}", create=True)
    block.add_new(1, "LO", f"ZqxPrivate{seed}")
    return [*planted, f"ZqxMaker{seed}", f"ZqxPrivate{seed}"]


def _text(kind: str, letters: str, number: int) -> str | None:
    return {
        "PN": f"Zqx{letters}^Ada",
        "LO": f"Zqx{letters}",
        "SH": f"Zq{letters}",
        "LT": f"Zqx{letters} born",
        "ST": f"Zqx{letters} of",
        "UT": f"Zqx{letters} in",
        "AE": f"Zx{letters}",
        "DA": f"1931{1 + number % 12:02d}{1 + number % 28:02d}",
        "DT": f"1931{1 + number % 12:02d}{1 + number % 28:02d}1{number % 10}{number % 59:02d}",
        "UI": f"1.2.826.0.1.777.{number}",
        "IS": f"731{number % 10**6:06d}",
        "DS": f"7319{number % 10**6:06d}.5",
    }.get(kind)


def search(folder: Path, planted: list[str]) -> dict[str, list[str]]:
    """Which of what was planted stands in which file's name or bytes, compressed parts opened."""
    # By how a word begins: few places are looked at, and thousands of words are looked for.
    forms = {text.encode(code): text for text in set(planted) for code in ("utf-8", "utf-16-le", "utf-16-be")}
    starts: dict[bytes, set[bytes]] = {}
    for form in forms:
        starts.setdefault(form[:4], set()).add(form)
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        parts = [name.encode(), *(_opened(path.read_bytes()) if path.is_file() else ())]
        if seen := sorted({forms[form] for part in parts for form in _seen(part, starts)}):
            found[name] = seen
    return found


def _seen(content: bytes, starts: dict[bytes, set[bytes]]) -> set[bytes]:
    found = set()
    for start, some in starts.items():
        at = content.find(start)
        while at >= 0:
            found |= {form for form in some if content.startswith(form, at)}
            at = content.find(start, at + 1)
    return found


def _opened(content: bytes) -> list[bytes]:
    """The bytes, and those of whatever is packed in them."""
    parts = [content]
    if content.startswith(b"\x1f\x8b"):
        parts += _opened(gzip.decompress(content))
    if zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts += [part for name in archive.namelist() for part in _opened(archive.read(name))]
    # Streams of zlib: patches in the records, pixels and texts of a PNG.
    for head in (b"\x78\x01", b"\x78\x5e", b"\x78\x9c", b"\x78\xda"):
        at = content.find(head)
        while at >= 0:
            with contextlib.suppress(zlib.error):
                parts.append(zlib.decompressobj().decompress(content[at:]))
            at = content.find(head, at + 1)
    return parts
