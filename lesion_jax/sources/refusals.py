"""All mistakes of an input as a csv, to correct them one by one."""

import contextlib
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

from lesion_jax.disk.atomic import OR_ELSEWHERE, write_bytes, writing
from lesion_jax.errors import DataError
from lesion_jax.sources.review import DataErrors, Mistake


@contextlib.contextmanager
def refusals_to(path: Path | None) -> Iterator[None]:
    """Writes the mistakes that end the block into a csv, and lets them go on; none where nothing is wrong.

    Its columns: line (of the csv of marks, one record for each; empty where a mistake concerns none), accept (what
    --accept takes, empty where nothing does) and mistake.

    Args:
      path: The csv; None writes none. One that is there is removed first: it would tell of another run.

    Raises:
      RunError: It cannot be written.
    """
    if path is None:
        yield
        return
    with writing(path, what="--refusals", then=OR_ELSEWHERE):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
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
    writer.writerow(["line", "accept", "mistake"])
    for mistake in each:
        for row in mistake.rows or ("",):
            line = re.search(r" line (\d+)$", row)
            writer.writerow([line[1] if line else "", mistake.check, mistake.text])
    return text.getvalue().encode()
