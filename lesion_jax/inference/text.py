"""Scores of runs as tables for a terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from lesion_jax.core.text_table import text_table
from lesion_jax.metrics.images import GENERATOR_METRICS
from lesion_jax.metrics.predictions import PREDICTION_METRICS


def describe(result: Mapping[str, Any]) -> str:
    """What `score_run` returned, as lines of text; every metric of the tables, in their order."""
    lines = [f"{result['kind']} {result['run']}", f"{result['part']} lesions of fold {result['fold']}: {result['n']}"]
    if predictions := result.get("predictions"):
        lines += ["", f"as a classifier, {_checkpoint(predictions)}"]
        lines.append("confusion, rows true: " + ", ".join(result["class_names"]))
        lines += ["  " + " ".join(f"{count:5d}" for count in row) for row in predictions["confusion"]]
        for name, score in predictions["metrics"].items():
            lines += _prediction_lines(name, score, result["class_names"])
    if images := result.get("images"):
        counts = f"{images['num_synthetic']} synthetic images against {images['num_real']} real ones"
        lines += ["", f"as a generator, {_checkpoint(images)}: {counts}"]
        if floor := images.get("num_floor"):
            lines.append(f"real: the same of {floor} lesions of training patients; n: synthetic images that were taken")
        for name, score in images["metrics"].items():
            lines += image_lines(name, score)
    return "\n".join(lines)


def describe_rows(rows: Sequence[Mapping[str, Any]]) -> str:
    """What `score_rows` returned, as a table for a terminal: without the ends of intervals, which files have."""
    names = [name for name in rows[0] if f"{name.rpartition('_')[0]}_low" not in rows[0]]
    return text_table(names, [[_shown(row[name]) for name in names] for row in rows], indent="")


def _shown(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _checkpoint(scored: Mapping[str, Any]) -> str:
    return f"{scored['checkpoint']} checkpoint, step {scored['step']}"


def _prediction_lines(name: str, score: Mapping[str, Any], class_names: list[str]) -> list[str]:
    metric = PREDICTION_METRICS[name]

    def row(title: str, number: Mapping[str, Any]) -> str:
        if not number["n"]:
            return f"{title:32}     -      n = 0"
        if metric.unit == "%":
            value, low, high = (f"{100 * number[part]:.1f}" for part in ("value", "low", "high"))
            return f"{title:32}{value:>6} %   [{low}, {high}]   n = {number['n']}"
        value, low, high = (f"{number[part]:.3f}" for part in ("value", "low", "high"))
        return f"{title:32}{value:>6}     [{low}, {high}]   n = {number['n']}"

    lines = [row(metric.title, score["total"])]
    for class_name, number in zip(class_names, score["per_class"] or [], strict=bool(score["per_class"])):
        lines.append(row(f"  {class_name}", number))
    return lines


def image_lines(name: str, score: Mapping[str, Any] | None) -> list[str]:
    """Lines of one metric of images: value, its error or p, that of real images, number of images, classes."""
    metric = GENERATOR_METRICS[name]
    title = f"{metric.title} ({metric.better} is better)"
    if score is None:
        return [f"{title:50}-   too few images"]
    parts = [f"{score['value']:.4f}"]
    parts += [f"+- {score['std']:.4f}"] if "std" in score else []
    parts += [f"p {score['p']:.2g}"] if "p" in score else []
    parts += [f"real {score['floor']:.4f}"] if "floor" in score else []
    parts += ["({:.4f} to {:.4f} by chance)".format(*score["floor_range"])] if "floor_range" in score else []
    parts += [f"n {score['n']}"] if "n" in score else []
    rows = [(title, "   ".join(parts) if len(parts) > 2 else " ".join(parts))]
    rows += [(f"  {class_name}", f"{value:.4f}") for class_name, value in score.get("per_class", {}).items()]
    return [f"{left:50}{right}" for left, right in rows]
