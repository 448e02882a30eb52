"""A csv file as people have it.

Commas, semicolons or tabs; UTF-8 with and without a mark, UTF-16 with one, and what Windows writes of umlauts; column
names in any case, with spaces or without underscores; empty rows at the end.
"""

import codecs
import csv
import dataclasses
import io
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

from lesion_jax.errors import DataError

_SEPARATORS = (",", ";", "\t")
_MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
# A million rows; what is read of them takes ten times as much.
_MOST_BYTES = 1 << 27
# Windows' for Western and Central Europe, Turkish and the Baltic languages.
_WINDOWS = ("cp1252", "cp1250", "cp1254", "cp1257")
# How xlsx and ods begin, which are archives, and the xls before them.
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


@dataclasses.dataclass(frozen=True)
class Table:
    """What a csv file holds.

    Attributes:
      columns: Their names as they are written.
      rows: (number of the line, one value for each column), none of them empty altogether.
      separator: What stands between values.
      encoding: As Python calls it.
    """

    columns: tuple[str, ...]
    rows: list[tuple[int, list[str]]]
    separator: str
    encoding: str = "utf-8"

    def indices(self, name: str) -> list[int]:
        """Where the columns of a name are, however it is spelled: "Diameter (mm)" is `diameter_mm`."""
        return [index for index, column in enumerate(self.columns) if _letters(column) == _letters(name)]


def load_csv(path: Path) -> Table:
    """Reads a file whole.

    Args:
      path: Text; the first line names the columns.

    Raises:
      DataError: It cannot be read, is no such text, or a row has more values than there are columns.
    """
    try:
        if (size := path.stat().st_size) > _MOST_BYTES:
            raise DataError(
                f"--annotations {path} has {size >> 20} MiB, above {_MOST_BYTES >> 20}; leave out what is no lesion."
            )
        whole, encoding = _decoded(path.read_bytes())
        text = whole.lstrip("\r\n")
        # Lines are counted in the file as it is.
        before = len(whole[: len(whole) - len(text)].splitlines())
        if not text.strip():
            raise ValueError("it is empty")
        separator = _separator(text)
        # As Excel tells itself what it wrote.
        skipped = text.lower().startswith("sep=")
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
        if skipped:
            next(lines)
        columns = tuple(name.strip() for name in next(lines, []))
        rows = [(before + lines.line_num, [_plain(value) for value in row]) for row in lines]
    except OSError as error:
        raise DataError(f"--annotations {path} cannot be read: {error.strerror}; name a csv file.") from error
    except (ValueError, csv.Error) as error:
        if "field limit" in str(error):
            raise DataError(
                f"--annotations {path} has a value of more than {csv.field_size_limit()} characters; is a quotation "
                "mark missing?"
            ) from error
        raise DataError(
            f"--annotations {path} is not a csv file in UTF-8, or in UTF-16 with its mark ({error}); save it as one, "
            'in Excel as "CSV UTF-8".'
        ) from error
    return Table(columns, [(line, _filled(row, columns)) for line, row in rows if any(row)], separator, encoding)


def _plain(value: str) -> str:
    """A value without what keeps spreadsheets from taking it for a number: ="01" and '01 are 01."""
    value = value.strip()
    if value.startswith('="') and value.endswith('"'):
        return value[2:-1].strip()
    return value[1:] if re.match(r"'[\d.]", value) else value


def _filled(row: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The row with all of its columns; more remain only where they are not empty."""
    beyond = row[len(columns) :]
    return [*row[: len(columns)], *[""] * (len(columns) - len(row)), *(beyond if any(beyond) else ())]


def _decoded(content: bytes) -> tuple[str, str]:
    """The text and its encoding.

    Raises:
      ValueError: It is no text, or one that may be meant in several ways.
    """
    if content.startswith(_SPREADSHEETS):
        raise ValueError("it is a spreadsheet's own file")
    encoding = next((name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8" or not (text := _western(content)):
            raise
        encoding = _WINDOWS[0]
    if "\0" in text:
        raise ValueError("it has zero bytes")
    return text, encoding


def _western(content: bytes) -> str:
    """Text in an encoding of Windows, where its letters are the same in all that have Latin ones; "" elsewhere."""
    try:
        text, *others = [content.decode(encoding) for encoding in _WINDOWS]
    except UnicodeDecodeError:
        return ""
    foreign = [word for word in re.findall(r"\w+", text) if not word.isascii()]
    # Words of such letters alone are Cyrillic or Greek; other signs are umlauts of DOS or of a Mac.
    are_letters = all(c.isascii() or c.isalpha() for c in text) and all(re.search("[A-Za-z]", word) for word in foreign)
    # Whoever edited UTF-8 as something else has two letters of one.
    is_damaged = re.search(rb"[\xc2-\xf4][\x80-\xbf]", content)
    return text if are_letters and not is_damaged and set(others) == {text} else ""


def _separator(text: str) -> str:
    """What the first line is divided by most."""
    first = text.split("\n", 1)[0].rstrip("\r")
    if first.lower().startswith("sep=") and first[4:] in _SEPARATORS:
        return first[4:]
    return max(_SEPARATORS, key=lambda mark: len(next(csv.reader(io.StringIO(text, newline=""), delimiter=mark), [])))


def _letters(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())
