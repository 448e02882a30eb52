"""A directory that appears whole or not at all, made by one process at a time."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lesion_jax.disk.lock import locked


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
