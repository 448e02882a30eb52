"""Scores of several runs as one table, and what they said of every lesion as another."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

from lesion_jax.config import to_dict
from lesion_jax.config.dotted import dotted
from lesion_jax.inference.score_run import ScoredRun

# Named otherwise in every row.
_TOLD = frozenset({"kind", "data.fold"})
Row = dict[str, Any]


def score_rows(scored: Sequence[ScoredRun]) -> list[Row]:
    """One row per run.

    Args:
      scored: At least one.

    Returns:
      Rows with the same columns: run, kind, fold, part, n; every setting in which the configs differ, by its dotted
      name; of what classifies checkpoint, step, and of each metric of predictions NAME, NAME_low and NAME_high (95 %
      interval over patients); of what draws images_checkpoint, images_step and NAME of each metric of images. None
      where a run has no such number, or one that is not finite.
    """
    settings = [{**dotted(to_dict(one.config))} for one in scored]
    shared = [name for name in settings[0] if name not in _TOLD and all(name in some for some in settings)]
    differing = [name for name in shared if any(some[name] != settings[0][name] for some in settings)]
    rows = [_row(one, {name: some[name] for name in differing}) for one, some in zip(scored, settings, strict=True)]
    columns = dict.fromkeys(name for row in rows for name in row)
    return [{name: _finite(row.get(name)) for name in columns} for row in rows]


def _finite(value: Any) -> Any:
    # What is not, JSON cannot say.
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _row(scored: ScoredRun, settings: Row) -> Row:
    result = scored.result
    row = {name: result[name] for name in ("run", "kind", "fold", "part", "n")} | settings
    if predictions := result.get("predictions"):
        row |= {name: predictions[name] for name in ("checkpoint", "step")}
        for name, score in predictions["metrics"].items():
            number = score["total"] if score["total"]["n"] else {}
            row |= {name: number.get("value"), f"{name}_low": number.get("low"), f"{name}_high": number.get("high")}
    if images := result.get("images"):
        row |= {f"images_{name}": images[name] for name in ("checkpoint", "step")}
        row |= {name: score and score["value"] for name, score in images["metrics"].items()}
    return row


def metric_values(result: Row) -> dict[str, float]:
    """Name -> value of every metric of one run that has one, which is finite; of what `score_run` returns."""
    predictions, images = ((result.get(name) or {}).get("metrics", {}) for name in ("predictions", "images"))
    found = {name: score["total"].get("value") for name, score in predictions.items() if score["total"]["n"]}
    found |= {name: score["value"] for name, score in images.items() if score}
    return {name: value for name, value in found.items() if _finite(value) is not None}


def prediction_rows(scored: Sequence[ScoredRun]) -> Iterator[Row]:
    """One row per run and lesion, of the runs that classify.

    Yields:
      run, checkpoint, step; id and patient of the lesion, as in the dataset; label, the truth, and predicted, the most
      probable class, by name; probability_CLASS of every class.
    """
    for one in scored:
        if one.predictions is None:
            continue
        names, told = one.result["class_names"], one.result["predictions"]
        said = one.predictions
        for i, lesion in enumerate(said.lesion_ids):
            yield {
                "run": one.result["run"],
                "checkpoint": told["checkpoint"],
                "step": told["step"],
                "id": lesion,
                "patient": said.patients[i],
                "label": names[said.labels[i]],
                "predicted": names[said.classes[i]],
                # As many digits as a float32 has.
                **{f"probability_{name}": f"{p:.9g}" for name, p in zip(names, said.probabilities[i], strict=True)},
            }
