"""Files that are whole or absent: written beside their place, then renamed into it."""

import errno
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from lesion_jax.errors import RunError


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file; a reader, or the next start after a kill, sees the old content or the new.

    Args:
      path: Of the file; its directory exists.
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
      path: Of the file; its directory exists.
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


def unwritable(path: Path, error: OSError) -> RunError:
    """The sentence for a file or directory of a run that the disk does not take."""
    advice = "make room" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "make it writable"
    return RunError(f"{path} cannot be written ({error.strerror or error}); {advice} and run again.")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A disk's OSError inside becomes the RunError of `unwritable`.

    Args:
      path: What is being written, for the message.
    """
    try:
        yield
    except OSError as error:
        raise unwritable(path, error) from error
