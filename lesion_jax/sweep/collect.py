"""What came of a sweep, in one place: tables of cells and settings, and a picture of the score against each field."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.disk.atomic import write_bytes, write_json, writing
from lesion_jax.sweep.run import Sweep
from lesion_jax.sweep.scatter import scatter_figure
from lesion_jax.sweep.settings import score_title, setting_rows, varied_settings
from lesion_jax.sweep.status import cell_rows


def collect(sweep: Sweep) -> dict[str, Path]:
    """Writes WORKDIR/cells.csv, cells.json, settings.csv and scores.png; the same again after more has been trained.

    A setting is what cells have in common that differ in seed and fold only. Scores are of the best checkpoint on inner
    patients: they choose settings. How good a chosen one is, only its test folds tell.

    Returns:
      The files by kind: "csv", "json", "settings", and "picture" where two cells at least have a score.

    Raises:
      RunError: They cannot be written.
    """
    rows = cell_rows(sweep)
    files = {"csv": sweep.workdir / "cells.csv", "json": sweep.workdir / "cells.json"}
    files["settings"] = sweep.workdir / "settings.csv"
    with writing(sweep.workdir):
        write_bytes(files["csv"], _csv(rows))
        write_json(files["json"], rows)
        write_bytes(files["settings"], _csv(setting_rows(sweep, rows)))
    scored = [row for row in rows if row["score"] is not None]
    if len(scored) > 1:
        files["picture"] = sweep.workdir / "scores.png"
        scores = np.array([row["score"] for row in scored])
        # Seeds and folds are points of a setting; a sweep of nothing else has them on its axes.
        fields = varied_settings(sweep) or sweep.varied
        panels = {field: ([row[field] for row in scored], scores) for field in fields}
        scatter_figure(files["picture"], panels, score_title(sweep))
    return files


def _csv(rows: Sequence[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _flat(value) for name, value in row.items()} for row in rows)
    return text.getvalue().encode()


def _flat(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, tuple | list) else value
