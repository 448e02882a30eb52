"""How far a sweep is: one row for each cell, from what its runs have written; nothing is disturbed."""

import collections
import functools
import json
import time
from pathlib import Path
from typing import Any

from lesion_jax.core.text_table import text_table
from lesion_jax.disk.lock import holder
from lesion_jax.io.progress import duration_text
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.io.saved_checkpoints import last_and_best
from lesion_jax.sweep.cells import Cell
from lesion_jax.sweep.directory import Sweep, open_sweep
from lesion_jax.sweep.settings import describe_best, setting_rows

# A program whose note is older than this may hang, though its process holds the lock.
_SILENT_SECONDS = 600.0


def sweep_rows(workdir: Path | str) -> list[dict[str, Any]]:
    """What has come of each cell of the sweep in a directory: what `cell_rows` returns. A sweep may be under way.

    Raises:
      RunError: It is not the directory of a sweep.
    """
    return cell_rows(open_sweep(Path(workdir)))


def cell_rows(sweep: Sweep) -> list[dict[str, Any]]:
    """What has come of each cell.

    Returns:
      By cell: cell, every field that some cell varies, state (of `Sweep.state_of`), step (of the newest checkpoint),
      best_step, score (of the best one, on inner patients; higher is better), collapse, reason (of a failure or a stop)
      and run (its directory); None where there is nothing.
    """
    return [_row(sweep, cell) for cell in sweep.cells]


def _row(sweep: Sweep, cell: Cell) -> dict[str, Any]:
    run = RunDirectory(sweep.directory(cell.index))
    fields = {name: functools.reduce(getattr, name.split("."), cell.config) for name in sweep.varied}
    row: dict[str, Any] = {"cell": cell.index, **fields}
    state, detail = sweep.state_of(cell.index)
    reason = detail.get("reason") or detail.get("stopped")
    last, best = last_and_best(run.checkpoints)
    scored = best if best and best.score is not None else None
    return row | {
        "state": state,
        "step": last and last.step,
        "best_step": scored and scored.step,
        "score": scored and scored.score,
        "collapse": last and last.collapse,
        "reason": reason,
        "run": str(run.path.relative_to(sweep.workdir)),
    }


def describe_sweep(sweep: Sweep, rows: list[dict[str, Any]]) -> str:
    """Rows of `cell_rows` as a table, the best setting, the programs under way with their ETA, reasons of failures."""
    counts = collections.Counter(row["state"] for row in rows)
    lines = [f"{sweep.workdir}: {len(rows)} cells, " + ", ".join(f"{n} {state}" for state, n in sorted(counts.items()))]
    lines += _programs(sweep)
    names = ["cell", *sweep.varied, "state", "step", "best_step", "score"]
    lines.append(text_table(names, [[_shown(row[name]) for name in names] for row in rows], indent=""))
    lines += describe_best(sweep, setting_rows(sweep, rows))
    lines += [f"cell {row['cell']} {row['state']}: {row['reason']}" for row in rows if row["reason"]]
    lines += [f"cell {row['cell']}: {row['collapse']}" for row in rows if row["collapse"] and not row["reason"]]
    return "\n".join(lines)


def _programs(sweep: Sweep) -> list[str]:
    lines = []
    for path in sorted((sweep.workdir / "programs").glob("[0-9]*[0-9].json")):
        try:
            note = json.loads(path.read_text())
        except (OSError, ValueError):
            continue
        left, silent = note["total"] - note["done"], time.time() - note["time"]
        text = f"program {int(path.stem)}: {note['done']} of {note['total']} steps"
        if left and holder(path.with_suffix(".lock")) is None:
            text += ", not under way"
        elif left and silent > _SILENT_SECONDS:
            text += f", not heard of for {duration_text(silent)}"
        elif left and note["rate"]:
            text += f", {duration_text(left / note['rate'])} left"
        lines.append(text)
    return lines


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
