"""Reads the csv of marks: a header with the names of the columns, one row per lesion.

Which columns there are, the source says, see `lesion_jax.sources.SOURCES`. Other columns are ignored, but for those
that the user names as tags: a csv from a hospital may hold what must not leave it. Text is UTF-8, separated by commas,
with a decimal point.
"""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, Source
from lesion_jax.sources.review import Mistakes


def load_marks(
    path: Path, sources: Sequence[Source], mistakes: Mistakes, tags: Sequence[str] = ()
) -> tuple[Source, list[Mark]]:
    """Reads and checks the rows, for the one source whose columns the csv has.

    Args:
      path: The csv.
      sources: Those that may be meant, at least one; all with columns.
      mistakes: Takes rows with an empty value or too many.
      tags: Other columns that the dataset shall keep, in lower case.

    Returns:
      The source, and a mark for every row without a mistake.

    Raises:
      DataError: Not a csv, missing columns, columns of several sources, no rows.
    """
    try:
        # Excel begins UTF-8 with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [name.strip().lower() for name in reader.fieldnames or ()]
            reader.fieldnames = columns
            source = _meant(path, columns, sources)
            asked = (*source.columns, *(name for name in source.optional if name in columns))
            if twice := sorted({name for name in (*asked, *tags) if columns.count(name) > 1}):
                raise DataError(f"{path} line 1: column {twice[0]} appears twice; remove one.")
            if absent := [name for name in tags if name not in columns]:
                raise DataError(
                    f"{path} line 1: there is no column {absent[0]} (found: {', '.join(columns)}); change --tags."
                )
            marks, is_empty = [], True
            for row in reader:
                is_empty = False
                with mistakes.collected():
                    marks.append(_mark(f"{path} line {reader.line_num}", row, asked, tags))
    except OSError as error:
        raise DataError(f"--annotations {path} cannot be read: {error.strerror}; name a csv file.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"--annotations {path} is not a csv file in UTF-8 ({error}); save it as one.") from error
    if is_empty:
        raise DataError(f"{path} has a header but no lesions; add a row for each.")
    return source, marks


def _meant(path: Path, columns: Sequence[str], sources: Sequence[Source]) -> Source:
    fitting = [source for source in sources if set(source.columns) <= set(columns)]
    if len(fitting) > 1:
        names = " and ".join(source.name for source in fitting)
        raise DataError(f"{path} line 1: its columns fit the sources {names}; say with --source which is meant.")
    if fitting:
        return fitting[0]

    def lacks(source: Source) -> list[str]:
        return [name for name in source.columns if name not in columns]

    nearest = min(sources, key=lambda source: (source.columns[0] not in columns, len(lacks(source))))
    hint = " separated by commas" if len(columns) == 1 and ";" in columns[0] else ""
    others = "".join(
        f"; those of {source.name} are {', '.join(source.columns)}" for source in sources if source is not nearest
    )
    raise DataError(
        f"{path} line 1: column {', '.join(lacks(nearest))} is missing (found: {', '.join(columns) or 'nothing'}); "
        f"the columns of {nearest.name} are {', '.join(nearest.columns)}{hint}{others}."
    )


def _mark(where: str, row: Mapping[str | None, str | None], asked: Sequence[str], tags: Sequence[str]) -> Mark:
    if None in row:
        raise DataError(f"{where}: more values than the header has columns; quote values that contain a comma.")
    values = {name: (row[name] or "").strip() for name in (*asked, *tags)}
    if empty := [name for name, value in values.items() if not value]:
        raise DataError(f"{where}: {empty[0]} is empty; fill it in.")
    return Mark(where, {name: values[name] for name in asked}, {name: values[name] for name in tags})
