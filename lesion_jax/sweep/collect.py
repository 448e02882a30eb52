"""What came of a sweep, in one place: a table as CSV and JSON, and a picture of the score against each varied field."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.disk.atomic import write_bytes, write_json, writing
from lesion_jax.sweep.run import Sweep
from lesion_jax.sweep.scatter import scatter_figure
from lesion_jax.sweep.status import cell_rows


def collect(sweep: Sweep) -> dict[str, Path]:
    """Writes WORKDIR/cells.csv, cells.json and scores.png; the same again after more has been trained.

    Scores are of the best checkpoint on inner patients: they choose cells. How good a chosen cell is, only its test
    fold tells.

    Returns:
      The files by kind: "csv", "json", and "picture" where two cells at least have a score.

    Raises:
      RunError: They cannot be written.
    """
    rows = cell_rows(sweep)
    files = {"csv": sweep.workdir / "cells.csv", "json": sweep.workdir / "cells.json"}
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _flat(value) for name, value in row.items()} for row in rows)
    with writing(sweep.workdir):
        write_bytes(files["csv"], text.getvalue().encode())
        write_json(files["json"], rows)
    scored = [row for row in rows if row["score"] is not None]
    if len(scored) > 1:
        files["picture"] = sweep.workdir / "scores.png"
        scores = np.array([row["score"] for row in scored])
        panels = {field: ([row[field] for row in scored], scores) for field in sweep.varied}
        scatter_figure(files["picture"], panels, "best score, inner patients")
    return files


def _flat(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else value
