"""Files of answers that the page wrote, read and checked against the key.

What can be noticed: another page's answers, a file cut short, a value that the page cannot have written, and any edit
that leaves the old checksum. What cannot: an edit whose author computes the checksum anew, as the page does in plain
sight; and who sat before the screen.
"""

import dataclasses
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.errors import DataError
from lesion_jax.reader.key import SOURCES, Key

FORMAT = "lesion_jax reader answers 1"
MISSING = -1


@dataclasses.dataclass(frozen=True, eq=False)
class Answers:
    """What one reader said.

    Attributes:
      reader: Name or code that the reader gave.
      session: Random name of the session.
      source: int [N], index into `SOURCES` for each image of the page; `MISSING` where the image was not answered.
      labels: int [N], index of the class; `MISSING` where the image was not answered. Zeros where there is one class.
      seconds: float64 [N], how long the image was on the screen, all visits together.
    """

    reader: str
    session: str
    source: np.ndarray
    labels: np.ndarray
    seconds: np.ndarray

    @property
    def is_answered(self) -> np.ndarray:
        """Whether both questions of an image were answered; bool [N]."""
        return (self.source != MISSING) & (self.labels != MISSING)


def read_answers(path: Path, key: Key, *, partial: bool) -> Answers:
    """Reads one file.

    Args:
      path: Written by the page.
      key: The page's key.
      partial: Whether a session may be unfinished; then an image counts where all of its questions were answered.

    Raises:
      DataError: It is unreadable, of another page, edited, or unfinished.
    """
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["format"] != FORMAT:
            raise ValueError(f"its format is {held['format']!r}, not {FORMAT!r}")
        page, checksum = held["page"], held.pop("checksum")
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); name files that the page saved.") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path} is no file of answers ({error}); name files that the page saved.") from None
    if page != key.page:
        raise DataError(
            f"{path} answers page {str(page)[:8]}, but the key is that of page {key.page[:8]}; name the key.json that "
            "was made with the answered page."
        )
    if checksum != checksum_of(held):
        raise DataError(f"{path} was edited after the page saved it; ask the reader for the file as it was saved.")
    try:
        found = _parse(held, key)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path} holds what the page cannot have saved ({error}); ask the reader for the file as it was saved."
        ) from None
    if (missing := len(key) - int(found.is_answered.sum())) and not partial:
        raise DataError(
            f"{path}: reader {found.reader} answered {len(key) - missing} of {len(key)} images, {missing} are missing; "
            "let the reader go on, or give --partial to score what is answered."
        )
    if missing == len(key):
        raise DataError(f"{path}: reader {found.reader} answered none of {len(key)} images; leave the file out.")
    return found


def read_all_answers(paths: Sequence[Path], key: Key, *, partial: bool) -> list[Answers]:
    """Reads one file of each reader, in the order of their names.

    Args:
      paths: At least one file.
      key: The page's key.
      partial: See `read_answers`.

    Raises:
      DataError: See `read_answers`; or two files are of one reader.
    """
    found: dict[str, tuple[Path, Answers]] = {}
    for path in paths:
        answers = read_answers(path, key, partial=partial)
        for other_path, other in found.values():
            if answers.session == other.session:
                raise DataError(f"{other_path} and {path} are one session of reader {other.reader}; name one.")
            if answers.reader == other.reader:
                raise DataError(
                    f"{other_path} and {path} are two sessions of reader {other.reader}; name one: agreement is "
                    "between readers."
                )
        found[answers.reader] = path, answers
    return [found[reader][1] for reader in sorted(found)]


def checksum_of(record: dict[str, Any]) -> str:
    """The page's checksum: CRC-32 of its JSON without blanks, in UTF-8.

    Args:
      record: A file's content without its checksum, fields in the order of the file.
    """
    text = json.dumps(record, separators=(",", ":"), ensure_ascii=False)
    return f"{zlib.crc32(text.encode('utf-8', 'replace')):08x}"


def _parse(held: dict[str, Any], key: Key) -> Answers:
    num, answers = len(key), held["answers"]
    if sorted(held["order"]) != list(range(num)) or [one["image"] for one in answers] != list(range(num)):
        raise ValueError(f"its images are not 0 to {num - 1}, once each")
    found = Answers(
        # It is printed: a name must not steer a terminal.
        reader="".join(letter for letter in str(held["reader"]) if letter.isprintable()),
        session=str(held["session"]),
        source=np.array([MISSING if one["source"] is None else SOURCES.index(one["source"]) for one in answers]),
        labels=np.array([_label(one["label"], key) for one in answers]),
        seconds=np.array([one["ms"] for one in answers], np.float64) / 1000,
    )
    visits = np.array([one["visits"] for one in answers])
    if (found.seconds < 0).any() or (found.is_answered & (visits < 1)).any():
        raise ValueError("an image was answered that was never shown")
    return found


def _label(value: int | None, key: Key) -> int:
    num = len(key.class_names)
    if num == 1:
        return 0
    if value is None:
        return MISSING
    if type(value) is not int or not 0 <= value < num:
        raise ValueError(f"class {value!r} is none of {num}")
    return value
