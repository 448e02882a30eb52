"""Reads the csv of marks: a header with the names of the columns, one row per lesion.

Which columns there are, the source says, see `lesion_jax.sources.SOURCES`. Other columns are ignored, but for those
that the user names as tags: a csv from a hospital may hold what must not leave it. How the file may be written,
`csv_file` says; where semicolons or tabs separate values, numbers may have a decimal comma.
"""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Mark, Source, parse_number
from lesion_jax.sources.csv_file import Table, load_csv
from lesion_jax.sources.review import Doubt, Mistakes, Review

# What else hospitals and archives call a column.
_ALSO_CALLED = {"patient": ("patient_id", "subject_id")}
# Longer than any path or name.
_LONGEST, _SHOWN = 1000, 40
_MISSING = {"nan", "n/a", "#n/a", "null", "<na>"}
_SPREADSHEET_ERROR = re.compile(r"#[A-Z/0]+[!?]")
_OF_PATIENTS = ("patient", "patient_index")
_NAMES, _SHORTENED = (*_OF_PATIENTS, "label"), re.compile(r"\d([.,]\d+)?[eE]\+\d+")
_WITH_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+")


def load_marks(
    path: Path, sources: Sequence[Source], review: Review, tags: Sequence[str] = ()
) -> tuple[Source, list[Mark]]:
    """Reads and checks the rows, for the one source whose columns the csv has.

    Args:
      path: The csv.
      sources: Those that may be meant, at least one; all with columns.
      review: Takes rows with an empty value or too many, and an encoding that is no Unicode.
      tags: Other columns that the dataset shall keep, named as the dataset shall name them.

    Returns:
      The source, and a mark for every row without a mistake.

    Raises:
      DataError: Not a csv, missing columns, columns of several sources, no rows.
    """
    table = load_csv(path)
    source = _meant(path, table, sources, tags)
    asked = (*source.columns, *(name for name in source.optional if _places(table, name)))
    index: dict[str, int] = {}
    for name in (*asked, *tags):
        places = _places(table, name) if name in asked else table.indices(name)
        if not places:
            raise DataError(
                f"{path} line 1: there is no column {name} (found: {', '.join(table.columns)}); change --tags."
            )
        if len(places) > 1:
            spelled = ", ".join(dict.fromkeys(table.columns[place] for place in places))
            raise DataError(f"{path} line 1: column {name} appears twice ({spelled}); remove one.")
        index[name] = places[0]
    names = {place for name in (source.columns[0], *_OF_PATIENTS) for place in _places(table, name)}
    if naming := [name for name in tags if index[name] in names]:
        raise DataError(f"{path} line 1: --tags has {naming[0]}, which names a patient or a file; leave it out.")
    if not table.rows:
        raise DataError(f"{path} has a header but no lesions; add a row for each.")
    if not table.encoding.startswith("utf"):
        review.doubt(Doubt("encoding", f"{path} is taken to be in {table.encoding}"))
    _check_unit(path, table, review)
    comma = _decimal_comma(path, table, [index[name] for name in asked])
    marks = []
    for line, row in table.rows:
        where = f"{path} line {line}"
        with review.collected([where]):
            if len(row) > len(table.columns):
                raise DataError(
                    f"{where}: more values than the header has columns; quote values that contain "
                    f"{'a comma' if table.separator == ',' else repr(table.separator)}."
                )
            values = {name: row[place] for name, place in index.items()}
            if empty := [name for name, value in values.items() if not value]:
                raise DataError(f"{where}: {empty[0]} is empty; fill it in.")
            if long := [name for name, value in values.items() if len(value) > _LONGEST]:
                raise DataError(
                    f"{where}: {long[0]} has {len(values[long[0]])} characters ({values[long[0]][:_SHOWN]!r}...); it "
                    f"may have {_LONGEST}: is a quotation mark missing?"
                )
            _check_spreadsheet(where, {name: values[name] for name in asked})
            kept = ({name: values[name] for name in names} for names in (asked, tags))
            marks.append(Mark(where, *kept, decimal_comma=comma))
    return source, marks


def _places(table: Table, name: str) -> list[int]:
    """Where the columns are that a source asks for by a name."""
    return [place for called in (name, *_ALSO_CALLED.get(name, ())) for place in table.indices(called)]


def _check_spreadsheet(where: str, values: Mapping[str, str]) -> None:
    """Notices what spreadsheets and programs write in place of a name that they did not understand.

    Raises:
      DataError: There is such a value; names the column.
    """
    for name, text in values.items():
        if text.casefold() in _MISSING or _SPREADSHEET_ERROR.fullmatch(text):
            raise DataError(f"{where}: {name} is {text!r}, which programs write where nothing is; fill it in.")
        if name in _NAMES and _SHORTENED.fullmatch(text):
            raise DataError(
                f"{where}: {name} is {text!r}, what a spreadsheet makes of a long number; write it as text."
            )


def _check_unit(path: Path, table: Table, mistakes: Mistakes) -> None:
    """Notices diameters in mm that are those in pixels, as DeepLesion has them, of a column beside."""
    mine, spacing = table.indices("diameter_mm"), table.indices("spacing_mm")
    theirs = [i for i, name in enumerate(table.columns) if re.search(r"diameter.*(pixel|px)", name, re.IGNORECASE)]
    if not (mine and theirs):
        return
    same = [
        f"{path} line {line}"
        for line, row in table.rows
        if _first_number(row[mine[0]]) == _first_number(row[theirs[0]])
        and not (spacing and _first_number(row[spacing[0]]) == 1)
    ]
    if same:
        mistakes.add(
            f"{same[0]}: diameter_mm is the number of column {table.columns[theirs[0]]}, which is in pixels; "
            "multiply by the spacing, or rename that column if it is in mm.",
            same,
        )


def _first_number(text: str) -> float:
    try:
        return parse_number(text.split(",")[0].strip())
    except ValueError:
        return float("nan")


def _decimal_comma(path: Path, table: Table, asked: Sequence[int]) -> str:
    """The first number with a decimal comma and its line; "" where there is none, or commas separate values."""
    if table.separator == ",":
        return ""
    seen = ((line, row[place]) for line, row in table.rows for place in asked if _WITH_COMMA.fullmatch(row[place]))
    return next((f"{text} in line {line}" for line, text in seen), "")


def _meant(path: Path, table: Table, offered: Sequence[Source], tags: Sequence[str]) -> Source:
    def lacks(source: Source) -> list[str]:
        return [name for name in source.columns if not _places(table, name)]

    def is_part(source: Source) -> bool:
        """Whether it has few columns, all of another, and would take what lacks some of that for its own."""
        known = {place for name in (*source.columns, *source.optional, *tags) for place in _places(table, name)}
        others = [name for place, name in enumerate(table.columns) if name and place not in known]
        return bool(others) and any(set(source.columns) < set(other.columns) for other in offered)

    sources = [source for source in offered if not is_part(source)]
    fitting = [source for source in sources if not lacks(source)]
    if len(fitting) > 1:
        names = " and ".join(source.name for source in fitting)
        raise DataError(f"{path} line 1: its columns fit the sources {names}; say with --source which is meant.")
    if fitting:
        return fitting[0]
    nearest = min(sources, key=lambda source: (source.columns[0] in lacks(source), len(lacks(source))))
    others = "".join(
        f"; those of {source.name} are {', '.join(source.columns)}" for source in offered if source is not nearest
    )
    found = ", ".join(name for name in table.columns if name) or "nothing"
    if all(len(lacks(source)) == len(source.columns) for source in sources):
        known = "".join(f"; of {source.name} they are {', '.join(source.columns)}" for source in offered)
        raise DataError(f"{path} line 1 names no column that is known (found: {found}){known}.")
    raise DataError(
        f"{path} line 1: column {', '.join(lacks(nearest))} is missing (found: {found}); "
        f"the columns of {nearest.name} are {', '.join(nearest.columns)}{others}."
    )
