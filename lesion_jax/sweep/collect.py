"""What came of a sweep, in one place: tables of cells and settings, for trackers too, and a picture of the scores."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.core.csv_text import csv_text
from lesion_jax.data.lesion_images import Part
from lesion_jax.disk.atomic import write_bytes, write_json, writing
from lesion_jax.io.hparams_file import write_hparams
from lesion_jax.sweep.directory import Sweep
from lesion_jax.sweep.scatter import scatter_figure
from lesion_jax.sweep.settings import score_title, setting_rows, varied_settings
from lesion_jax.sweep.status import cell_rows

_ENDINGS = {"csv": "csv", "json": "json", "lines": "jsonl"}


def collect(sweep: Sweep, part: Part | None = None) -> dict[str, Path]:
    """Writes what there is into WORKDIR; the same again after more has been trained.

    A setting is what cells have in common that differ in seed and fold only. Scores are of the best checkpoint on inner
    patients: they choose settings. How good a chosen one is, only its test folds tell.

    Args:
      sweep: The sweep.
      part: Lesions that each cell with a checkpoint is restored for and scored on, as `evaluate` does: columns such as
        test_accuracy, and their means and deviations over the cells of a setting. None restores nothing.

    Returns:
      The files by kind: "csv", "json" and "lines" of the cells (JSON lines: a cell in each); "settings", a CSV;
      "hparams", a folder for TensorBoard, with settings and scores of each cell that has a score; and "picture" where
      two cells at least have one.

    Raises:
      RunError: They cannot be written; with a part, a cell or the dataset cannot be read.
    """
    rows = cell_rows(sweep)
    columns = set(rows[0])
    if part is not None:
        rows = _with_scores(sweep, rows, part)
    others = list(dict.fromkeys(name for row in rows for name in row if name not in columns))
    files = {kind: sweep.workdir / f"cells.{ending}" for kind, ending in _ENDINGS.items()}
    files |= {"settings": sweep.workdir / "settings.csv", "hparams": sweep.workdir / "hparams"}
    with writing(sweep.workdir):
        write_bytes(files["csv"], csv_text(rows).encode())
        write_json(files["json"], rows)
        write_bytes(files["lines"], "".join(f"{json.dumps(row, allow_nan=False)}\n" for row in rows).encode())
        write_bytes(files["settings"], csv_text(setting_rows(sweep, rows, others)).encode())
        for row in rows:
            metrics = {name: row[name] for name in ("score", *others) if row.get(name) is not None}
            if metrics:
                settings = {name: row[name] for name in sweep.varied}
                folder = files["hparams"] / Path(row["run"]).name
                write_hparams(folder, settings, metrics, step=row["best_step"] or row["step"])
    scored = [row for row in rows if row["score"] is not None]
    if len(scored) > 1:
        files["picture"] = sweep.workdir / "scores.png"
        scores = np.array([row["score"] for row in scored])
        # Seeds and folds are points of a setting; a sweep of nothing else has them on its axes.
        fields = varied_settings(sweep) or sweep.varied
        panels = {field: ([row[field] for row in scored], scores) for field in fields}
        scatter_figure(files["picture"], panels, score_title(sweep))
    return files


def _with_scores(sweep: Sweep, rows: Sequence[dict[str, Any]], part: Part) -> list[dict[str, Any]]:
    # Here: it imports what restores networks.
    from lesion_jax.inference.score_run import score_runs
    from lesion_jax.inference.score_table import metric_values

    saved = [row["cell"] for row in rows if row["step"] is not None]
    scored = score_runs([sweep.directory(cell) for cell in saved], part=part)
    found = {
        cell: {f"{part}_{name}": value for name, value in metric_values(one.result).items()}
        for cell, one in zip(saved, scored, strict=True)
    }
    return [row | found.get(row["cell"], {}) for row in rows]
