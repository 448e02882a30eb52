"""A directory that appears whole or not at all, made by one process at a time."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lesion_jax.disk.lock import locked
from lesion_jax.errors import LesionJaxError


@contextmanager
def building(out: Path) -> Iterator[Path]:
    """Gives a hidden directory to fill, which becomes `out` when the block ends without an exception.

    Args:
      out: Absent, or an empty directory. Its parents are made.

    Yields:
      An empty directory beside `out`, on the same disk.

    Raises:
      RunError: Another process is making `out`.
      OSError: The disk does not take it, or `out` has been filled meanwhile.
    """
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    # Fixed names: what a killed process leaves behind is removed by the next, never piled up.
    place = out.with_name(f".{out.name}.building")
    with locked(out.with_name(f".{out.name}.lock"), what=out):
        try:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            yield place
            # Over an empty directory rename is atomic; over one that has been filled it fails.
            os.rename(place, out)
        finally:
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def building_new(path: Path, what: str, error: type[LesionJaxError]) -> Iterator[Path]:
    """As `building`, for a directory that does not exist yet.

    Args:
      path: As for `check_new`, which is asked first.
      what: As for `check_new`.
      error: As for `check_new`; also raised for an OSError of the body.
    """
    check_new(path, what, error)
    try:
        with building(path) as folder:
            yield folder
    except OSError as cause:
        raise _unwritable(path, what, error, cause) from None


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


def _unwritable(path: Path, what: str, error: type[LesionJaxError], cause: OSError) -> LesionJaxError:
    return error(f"{what} {path} cannot be written ({cause.strerror or cause}); free space or name another place.")
