"""What came of a sweep, in one place: tables of cells and settings, and a picture of the score against each field."""

from pathlib import Path

import numpy as np

from lesion_jax.core.csv_text import csv_text
from lesion_jax.disk.atomic import write_bytes, write_json, writing
from lesion_jax.sweep.directory import Sweep
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
        write_bytes(files["csv"], csv_text(rows).encode())
        write_json(files["json"], rows)
        write_bytes(files["settings"], csv_text(setting_rows(sweep, rows)).encode())
    scored = [row for row in rows if row["score"] is not None]
    if len(scored) > 1:
        files["picture"] = sweep.workdir / "scores.png"
        scores = np.array([row["score"] for row in scored])
        # Seeds and folds are points of a setting; a sweep of nothing else has them on its axes.
        fields = varied_settings(sweep) or sweep.varied
        panels = {field: ([row[field] for row in scored], scores) for field in fields}
        scatter_figure(files["picture"], panels, score_title(sweep))
    return files
