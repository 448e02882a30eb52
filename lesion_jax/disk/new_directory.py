"""Directories that appear whole or not at all: built in a hidden sibling, then renamed into their place."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lesion_jax.errors import LesionJaxError


def check_new(path: Path, what: str, error: type[LesionJaxError]) -> None:
    """Refuses a place where no directory can be made, before anything is computed for it.

    Args:
      path: Of the directory to be.
      what: Its name in messages: "Bank", "Export".
      error: What to raise.

    Raises:
      LesionJaxError: Of class `error`: `path` exists, or its nearest parent is not a directory that can be
        written to.
    """
    try:
        if path.exists():
            raise error(f"{what} {path} exists; name another directory or remove it.")
        # A link to nowhere does not exist, but nothing can be made in its place.
        parent = next(parent for parent in path.absolute().parents if parent.exists() or parent.is_symlink())
        if not parent.is_dir():
            raise error(f"{what} {path} cannot be written: {parent} is not a directory; name another place.")
    except OSError as cause:
        raise _unwritable(path, what, error, cause) from None
    if not os.access(parent, os.W_OK | os.X_OK):
        raise error(f"{what} {path} cannot be written: {parent} is read-only; name another place.")


@contextmanager
def building(path: Path, what: str, error: type[LesionJaxError]) -> Iterator[Path]:
    """Gives an empty directory to fill, which becomes `path` where the body ends without an exception.

    Args:
      path: As for `check_new`, which is asked first; parents are made.
      what: As for `check_new`.
      error: As for `check_new`; also raised for an OSError of the body.
    """
    check_new(path, what, error)
    # One fixed name: what a killed process leaves behind is removed by the next, never piled up.
    temporary = path.with_name(f".{path.name}.building")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        os.rename(temporary, path)
    except OSError as cause:
        raise _unwritable(path, what, error, cause) from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unwritable(path: Path, what: str, error: type[LesionJaxError], cause: OSError) -> LesionJaxError:
    return error(f"{what} {path} cannot be written ({cause.strerror or cause}); free space or name another place.")
