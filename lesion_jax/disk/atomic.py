"""Files that are whole or absent: written beside their place, then renamed into it."""

import errno
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lesion_jax.errors import LesionJaxError, RunError

# What to do about a place that cannot be written to, besides making it writable: see `unwritable`.
AND_AGAIN = " and run again"
OR_ELSEWHERE = ", or name another place"


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file; a reader, or the next start after a kill, sees the old content or the new.

    Args:
      path: The file; its directory exists.
      content: All of it.
    """
    # One fixed name: what a killed process leaves behind is overwritten by the next, never piled up.
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def write_json(path: Path, content: Any) -> None:
    """Writes plain values as indented JSON, see `write_bytes`.

    Raises:
      ValueError: A number is not finite, which JSON cannot say.
    """
    write_bytes(path, _json(content))


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Gives a file to write, which becomes `path` when the block ends without an exception.

    For what several processes, of whatever hosts, may be writing at once: each has a file of its own, and the last to
    end wins. What a killed process leaves is named ".NAME.<hex>".

    Args:
      path: The file; its directory exists.
    """
    # Not the process's number: on another host, or in another container, another process has it too.
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with temporary.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_json(path: Path, content: Any) -> None:
    """As `write_json`, for a file that several processes may be writing at once, see `replacing`."""
    with replacing(path) as file:
        file.write(_json(content))


def _json(content: Any) -> bytes:
    return (json.dumps(content, indent=2, allow_nan=False) + "\n").encode()


def unwritable(
    path: Path,
    cause: OSError,
    *,
    what: str = "",
    then: str = AND_AGAIN,
    error: type[LesionJaxError] = RunError,
) -> LesionJaxError:
    """The error for a file or directory that the disk does not take.

    Args:
      path: Path that was being written.
      cause: Error of the system.
      what: Name of the path in the message: "--out", "Bank".
      then: End of the message, after "make room" or "make it writable": `AND_AGAIN`, `OR_ELSEWHERE`.
      error: Class of the result.
    """
    advice = "make room" if cause.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
    return error(f"{what} {path} cannot be written ({cause.strerror or cause}); {advice}{then}.".lstrip())


@contextmanager
def writing(
    path: Path, *, what: str = "", then: str = AND_AGAIN, error: type[LesionJaxError] = RunError
) -> Iterator[None]:
    """A disk's OSError inside becomes the error of `unwritable`, whose arguments it takes."""
    try:
        yield
    except OSError as cause:
        raise unwritable(path, cause, what=what, then=then, error=error) from cause
