"""All mistakes of an input as a csv, to correct them one by one."""

import contextlib
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from lesion_jax.disk.atomic import OR_ELSEWHERE, write_bytes, writing
from lesion_jax.errors import DataError, RunError
from lesion_jax.sources.review import DataErrors, Mistake

_HEADER = b"line,accept,mistake\n"


@contextlib.contextmanager
def refusals_to(path: Path | None) -> Iterator[None]:
    """Writes the mistakes that end the block into a csv, and lets them go on; none where nothing is wrong.

    Its columns: line (of the csv of marks, one record for each; empty where a mistake concerns none), accept (what
    --accept takes, empty where nothing does) and mistake.

    Args:
      path: The csv; None writes none. One of an earlier run is removed first.

    Raises:
      RunError: It cannot be written, or is another file.
    """
    if path is None:
        yield
        return
    with writing(path, what="--refusals", then=OR_ELSEWHERE):
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            # Not the csv of marks by mistake.
            with path.open("rb") as file:
                if file.readline() != _HEADER:
                    raise RunError(f"--refusals {path} exists and lists no refusals; name another file.")
            path.unlink()
    each: tuple[Mistake, ...] = ()
    try:
        yield
    except DataError as error:
        each = error.each if isinstance(error, DataErrors) else (Mistake(str(error)),)
        raise
    finally:
        # Also where nothing was wrong: a header alone says so.
        with writing(path, what="--refusals", then=OR_ELSEWHERE):
            write_bytes(path, _csv(each))


def _csv(each: tuple[Mistake, ...]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    for mistake in each:
        for row in mistake.rows or ("",):
            line = re.search(r" line (\d+)$", row)
            writer.writerow([line[1] if line else "", mistake.check, mistake.text])
    return _HEADER + text.getvalue().encode("utf-8", "backslashreplace")
