"""A directory that appears whole or not at all, made by one process at a time."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lesion_jax.disk.atomic import OR_ELSEWHERE, writing
from lesion_jax.disk.lock import locked
from lesion_jax.disk.room import nearest_existing
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
def building_new(path: Path, what: str, error: type[LesionJaxError], *, may_be_empty: bool = False) -> Iterator[Path]:
    """As `building`, with a sentence for whatever the disk does not take.

    Args:
      path: The directory to be; `check_new` may refuse it.
      what: Its name in messages: "Bank", "--out".
      error: Class of the errors, also of an OSError of the body.
      may_be_empty: Whether an empty directory may be there already.
    """
    check_new(path, what, error, may_be_empty=may_be_empty)
    with writing(path, what=what, then=OR_ELSEWHERE, error=error), building(path) as folder:
        yield folder


def check_new(path: Path, what: str, error: type[LesionJaxError], *, may_be_empty: bool = False) -> None:
    """Refuses a place where no directory can be made, before anything is computed for it.

    Args:
      path: The directory to be.
      what: Its name in messages: "Bank", "--out".
      error: Class of the errors.
      may_be_empty: Whether an empty directory may be there already.

    Raises:
      LesionJaxError: An `error`: `path` exists, or its nearest parent is not a directory that can be
        written to.
    """
    with writing(path, what=what, then=OR_ELSEWHERE, error=error):
        if path.exists() and not (may_be_empty and path.is_dir() and not any(path.iterdir())):
            state = "exists and is not an empty directory" if may_be_empty else "exists"
            raise error(f"{what} {path} {state}; name another directory or remove it.")
        parent = nearest_existing(path)
        if not parent.is_dir():
            raise error(f"{what} {path} cannot be written: {parent} is not a directory; name another place.")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise error(f"{what} {path} cannot be written: {parent} is read-only; name another place.")
