"""Rows of plain values as CSV."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any


def csv_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as CSV; the columns are those of all rows, and what a row lacks is empty."""
    text = io.StringIO()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    # As JSON where a value is no single one: a setting that is a tuple.
    writer.writerows(
        {name: json.dumps(value) if isinstance(value, list | tuple | dict) else value for name, value in row.items()}
        for row in rows
    )
    return text.getvalue()
