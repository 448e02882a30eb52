"""Markdown tables of the results; `report.write` describes what they are made of."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lesion_jax.metrics.images import GENERATOR_METRICS
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.paper.report.look import title_of

_ARROWS = {"lower": "lower is better", "higher": "higher is better"}


def number(score: Mapping[str, Any] | None, unit: str = "%") -> str:
    """A number with its interval: "78.6 (72.1 to 83.9)" for a share in percent; "-" where there is none."""
    if score is None:
        return "-"
    form = (lambda value: f"{100 * value:.1f}") if unit == "%" else (lambda value: f"{value:.3f}")
    if "low" not in score:
        return form(score["value"])
    return f"{form(score['value'])} ({form(score['low'])} to {form(score['high'])})"


def points(difference: Mapping[str, Any] | None) -> str:
    """A difference of accuracies with its interval, in percentage points and signed; "-" for none."""
    if difference is None:
        return "-"
    value, low, high = (f"{100 * difference[key]:+.1f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def arms_table(arms: Sequence[Mapping[str, Any]]) -> str:
    """One row per arm: accuracy, difference to the baseline, seeds, lesions."""
    rows = []
    for arm in arms:
        difference = arm.get("difference")
        seeds = [100 * accuracy for accuracy in arm["per_seed_accuracy"]]
        rows.append(
            [
                arm["title"],
                number(arm["accuracy"]),
                points(difference),
                _p(difference["adjusted_p"]) if difference else "-",
                difference["verdict"]["word"] if difference else "-",
                f"{difference['gained']:.1f} / {difference['lost']:.1f}" if difference else "-",
                f"{seeds[0]:.1f}" if len(seeds) == 1 else f"{min(seeds):.1f} to {max(seeds):.1f} ({len(seeds)} seeds)",
                arm["n"],
            ]
        )
    header = (
        "Arm",
        "Accuracy, %",
        "Accuracy minus the baseline's, points",
        "p",
        "Verdict",
        "Lesions gained / lost",
        "Accuracy by seed, %",
        "n",
    )
    return _table(header, rows)


def metrics_table(arms: Sequence[Mapping[str, Any]]) -> str:
    """One row per metric: its total in each arm."""
    rows = [
        [f"{_titled(title, unit)}{_direction(name)}", *(number(_total(arm, name), unit) for arm in arms)]
        for name, title, unit in _metrics(arms)
    ]
    return _table(("Metric", *(arm["title"] for arm in arms)), rows)


def class_table(arms: Sequence[Mapping[str, Any]], class_names: Sequence[str]) -> str:
    """One row per arm and class: each metric that a class has; "" where no metric has classes."""
    metrics = [m for m in _metrics(arms) if any(arm["metrics"][m[0]]["per_class"] for arm in arms)]
    if not metrics:
        return ""
    rows = [
        [
            arm["title"],
            name,
            *(number(arm["metrics"][metric]["per_class"][index], unit) for metric, _, unit in metrics),
            f"{sum(arm['confusion'][index]) / len(arm['seeds']):.0f}",
        ]
        for arm in arms
        for index, name in enumerate(class_names)
    ]
    header = ("Arm", "Class", *(_titled(title, unit) for _, title, unit in metrics), "Lesions of the class")
    return _table(header, rows)


def paper_table(arms: Sequence[Mapping[str, Any]], paper: Mapping[str, Any]) -> str:
    """Ours beside the paper's printed totals, arm by arm, for each metric that the paper has."""
    printed = {arm["name"]: arm for arm in paper["arms"]}
    metrics = [m for m in _metrics(arms) if any(m[0] in theirs["metrics"] for theirs in paper["arms"])]
    rows = [
        [
            arm["title"],
            *(
                number(_total(some, name), unit)
                for name, _, unit in metrics
                for some in (arm, printed.get(arm["name"], {"metrics": {}}))
            ),
        ]
        for arm in arms
    ]
    header = ["Arm"]
    for _, title, unit in metrics:
        header += [_titled(f"{title}, ours", unit), _titled(f"{title}, paper's data", unit)]
    return _table(header, rows)


def images_table(generators: Sequence[Mapping[str, Any]]) -> str:
    """One row per generator: each metric as mean over folds and seeds with its range, and both numbers of images."""
    found = dict.fromkeys(name for one in generators for scored in one["scores"] for name in scored["metrics"])
    rows = []
    for one in generators:
        columns = []
        for name in found:
            scores = [scored["metrics"].get(name) for scored in one["scores"]]
            columns.append(_spread([score["value"] for score in scores if score is not None]))
        counts = (_range([scored[key] for scored in one["scores"]]) for key in ("num_synthetic", "num_real"))
        rows.append([one["title"], *columns, *counts])
    titles = [
        f"{GENERATOR_METRICS[name].title} ({_ARROWS[GENERATOR_METRICS[name].better]})"
        if name in GENERATOR_METRICS
        else name
        for name in found
    ]
    return _table(("Images", *titles, "Images scored, per fold", "Test lesions, per fold"), rows)


def chosen_table(arms: Sequence[Mapping[str, Any]]) -> str:
    """Sizes and steps of each arm, fold by fold; empty where there are none."""
    rows = [[arm["title"], what, *sizes] for arm in arms for what, sizes in (arm.get("chosen") or {}).items() if sizes]
    if not rows:
        return ""
    folds = max(len(row) for row in rows) - 2
    return _table(("Arm", "Size", *(f"Fold {fold}" for fold in range(folds))), rows)


def curve_table(points_of_curve: Sequence[Mapping[str, Any]]) -> str:
    """One row per point: arm, size, images, accuracy and its interval."""
    rows = [
        [
            title_of(point["arm"]),
            f"{point['size']:,.0f}",
            f"{point['total']:,.0f}",
            number({**point, "value": point["accuracy"]}),
        ]
        for point in points_of_curve
    ]
    return _table(("Arm", "Size", "Training images per fold", "Accuracy on the test folds, %"), rows)


def _metrics(arms: Sequence[Mapping[str, Any]]) -> list[tuple[str, str, str]]:
    """(name, title, unit) of the metrics that the arms were scored by."""
    names = dict.fromkeys(name for arm in arms for name in arm["metrics"])
    rows = {name: PREDICTION_METRICS.get(name) for name in names}
    return [(name, row.title, row.unit) if row else (name, name, "") for name, row in rows.items()]


def _total(arm: Mapping[str, Any], metric: str) -> Mapping[str, Any] | None:
    return (arm["metrics"].get(metric) or {"total": None})["total"]


def _direction(metric: str) -> str:
    row = PREDICTION_METRICS.get(metric)
    return f" ({_ARROWS['lower']})" if row and row.better == "lower" else ""


def _titled(title: str, unit: str) -> str:
    return f"{title}, {unit}" if unit else title


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    mean = f"{np.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def _range(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(set(counts)) == 1 else f"{min(counts)} to {max(counts)}"


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A markdown table; the first column is text, the others are numbers."""
    lines = [header, [":--"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
