"""DICOM files as people have them: with and without preamble, cut short, with odd values. Imports pydicom: do it late.

pydicom tells of every odd value in a header, and quotes it: here that is counted, and never shown.
"""

import contextlib
import dataclasses
import io
import logging
import math
import warnings
import zlib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import BinaryIO

import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from lesion_jax.errors import DataError
from lesion_jax.sources.base import parse_number
from lesion_jax.sources.dicom_deflated import MOST_BYTES, packed_at, unpacked_size

# Of a deflated data set, that has all that is asked for.
_BEGIN_BYTES = 1 << 20
# A data set without a preamble begins with an element of group 2, or of group 8 up to its SOPInstanceUID.
_FIRST_GROUPS, _LAST_ELEMENT = (2, 8), 0x18
_UIDS = ("SeriesInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "SOPClassUID")
_MOST_QUOTED = 40


@dataclasses.dataclass
class Index:
    """What lies below a folder.

    Attributes:
      found: Files of every wanted UID that was found, in the order of the paths.
      dicom: All DICOM files.
      odd: Those whose headers pydicom complained of.
      unreadable: Files that the system does not let us read.
    """

    found: dict[str, list[Path]] = dataclasses.field(default_factory=dict)
    dicom: list[Path] = dataclasses.field(default_factory=list)
    odd: list[Path] = dataclasses.field(default_factory=list)
    unreadable: list[Path] = dataclasses.field(default_factory=list)


class _Counter(logging.Handler):
    """Remembers that there was something to hear."""

    heard = False

    def emit(self, record: logging.LogRecord) -> None:
        self.heard = True


@contextlib.contextmanager
def quiet() -> Iterator[Callable[[], bool]]:
    """Silences pydicom; gives a function that says whether it complained since it was last asked."""
    counter, logger = _Counter(), logging.getLogger("pydicom")
    # A filter would not see what its children log, decoders' tracebacks among it.
    propagate, logger.propagate = logger.propagate, False
    logger.addHandler(counter)

    def heard() -> bool:
        found, counter.heard = counter.heard, False
        return found

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield heard
    finally:
        logger.removeHandler(counter)
        logger.propagate = propagate


@contextlib.contextmanager
def whole(path: Path, what: str) -> Iterator[None]:
    """Tells a DICOM file that cannot be taken apart by a DataError, in silence.

    Args:
      path: The file, which is read within.
      what: What it should be, for the message.
    """
    try:
        with quiet():
            yield
    except DataError:
        raise
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; copy it again.") from error
    # pydicom has no exception of its own for a header that it cannot take apart, and decoders have theirs.
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{path} is not a whole {what} ({reason}); export it again.") from error


def index_files(paths: Collection[Path], uids: Collection[str], progress: Callable[[int], None] | None = None) -> Index:
    """Finds the files that hold the wanted instances, reading only the beginning of each file.

    Args:
      paths: Files; those that are not DICOM are passed over.
      uids: Wanted SOP instance UIDs.
      progress: Called with the number of files done.
    """
    index = Index()
    with quiet() as heard:
        for done, path in enumerate(paths, start=1):
            try:
                uid = _read_uid(path)
            except OSError:
                uid = None
                index.unreadable.append(path)
            if uid is not None:
                index.dicom.append(path)
                if uid in uids:
                    index.found.setdefault(uid, []).append(path)
            if heard():
                index.odd.append(path)
            if progress is not None:
                progress(done)
    return index


def _read_uid(path: Path) -> str | None:
    with path.open("rb") as file:
        try:
            return instance_uid(begin(file, last=0x00080018))
        except OSError:
            raise
        except Exception:
            # Not DICOM, or so broken that no UID can be read from it: pydicom raises all sorts of things.
            return None


def begin(file: BinaryIO, last: int) -> pydicom.Dataset:
    """Reads the elements up to the tag `last`; pydicom raises all sorts of things where that is no DICOM file."""
    whole = _checked(file)
    if (packed := packed_at(file)) is not None:
        # pydicom would unpack all of it.
        file.seek(packed)
        whole = io.BytesIO(zlib.decompressobj(-zlib.MAX_WBITS).decompress(file.read(), _BEGIN_BYTES))
    return read_partial(whole, stop_when=lambda tag, vr, length: tag > last, force=True)


def _checked(file: BinaryIO) -> BinaryIO:
    """The file, at the preamble or at the first element where there is none.

    Raises:
      InvalidDicomError: It begins as no DICOM file does.
    """
    head = file.read(132)
    if head[:4] == b"DICM":
        # pydicom would begin before it.
        return io.BytesIO(head[4:] + file.read())
    tags = [[int.from_bytes(head[at : at + 2], order) for at in (0, 2)] for order in ("little", "big")]
    if head[128:] != b"DICM" and not any(g in _FIRST_GROUPS and e <= _LAST_ELEMENT for g, e in tags):
        raise InvalidDicomError("it begins as no DICOM file does")
    file.seek(0)
    return file


def instance_uid(data: pydicom.Dataset) -> str:
    """SOPInstanceUID, "" where there is none.

    Anonymisers empty the data set's and leave the file meta's, which by the standard is the same.
    """
    return str(data.get("SOPInstanceUID") or data.file_meta.get("MediaStorageSOPInstanceUID") or "")


def read_file(path: Path) -> pydicom.Dataset:
    """Reads all of a file; its transfer syntax is named also where the file does not say it.

    Raises:
      DataError: Not a DICOM file, or one that ends too early.
      OSError: The system does not let us.
    """
    with path.open("rb") as file:
        if (packed := packed_at(file)) is not None and unpacked_size(file, packed) > MOST_BYTES:
            raise DataError(f"{path} unpacks to more than {MOST_BYTES >> 20} MiB; export it again without compression.")
        data = pydicom.dcmread(_checked(file), force=True)
    if not len(data):
        # pydicom gives up an element that does not end, and all before it.
        raise DataError(f"{path} is cut short; copy it again.")
    if "TransferSyntaxUID" not in data.file_meta:
        is_implicit, is_little = data.original_encoding
        plain = ExplicitVRLittleEndian if is_little else ExplicitVRBigEndian
        data.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if is_implicit else plain
    return data


def value(path: Path, data: pydicom.Dataset, field: str):
    """The value of an element; None where it is missing or empty.

    Raises:
      DataError: It cannot be read; names the field.
    """
    try:
        found = data.get(field)
        # An empty one is None, "" or [].
        return found if found is not None and (isinstance(found, int | float) or len(found)) else None
    except Exception as error:
        raise DataError(f"{path}: {field} cannot be read; export the slice again.") from error


def numbers(path: Path, data: pydicom.Dataset, field: str, count: int, must: str) -> list[float]:
    """The numbers of an element.

    Args:
      path: For messages.
      data: A data set.
      field: Keyword of the element.
      count: How many there have to be.
      must: What they must be, for a message.

    Raises:
      DataError: Missing, more or fewer, or not finite; names the field.
    """
    try:
        found = data.get(field)
        listed = list(found) if isinstance(found, MultiValue | list | tuple) else [found]
        # As written: float takes 1_0 for 10.
        texts = [str(getattr(number, "original_string", number)).strip() for number in listed if number is not None]
        values = [parse_number(text) for text in texts if text]
    except Exception as error:
        raise refusal(path, data, field, must) from error
    if len(values) != count or not all(math.isfinite(number) for number in values):
        raise refusal(path, data, field, must)
    return values


def refusal(path: Path, data: pydicom.Dataset, field: str, must: str) -> DataError:
    """The error that names a file, a field, its value and what it must be."""
    try:
        found = data.get(field)
        text = "missing" if found in (None, "") else str(found)
    except Exception:
        # As it is written.
        raw = data.get_item(field)
        written = getattr(raw, "value", b"")
        text = repr(written.decode("ascii", "backslashreplace").strip() if isinstance(written, bytes) else written)
    text = " ".join(text.split())
    short = text if len(text) <= _MOST_QUOTED else f"{text[:_MOST_QUOTED]}..."
    return DataError(f"{path}: {field} is {short}; {must}.")


def what_else(uid: str, paths: Collection[Path]) -> str | None:
    """What a UID that names no slice is, such as that of a series; None where no file has it, or by that name.

    Args:
      uid: As the csv has it.
      paths: DICOM files.
    """
    with quiet():
        for path in paths:
            if uid in (path.name, path.stem) or path.as_posix().endswith(f"/{uid.lstrip('./')}"):
                return f"the name of a file, {path}, not the SOPInstanceUID in it"
            try:
                with path.open("rb") as file:
                    data = begin(file, last=0x00200052)
                    for field in _UIDS:
                        if str(data.get(field) or "") == uid:
                            return f"a {field}, that of {path}, and no SOPInstanceUID"
            except Exception:
                # It was read as far as needed before.
                continue
    return None
