"""Markdown tables of the results; see `paper.report` for what they are made of."""

from collections.abc import Mapping, Sequence
from typing import Any


def percent(proportion: Mapping[str, Any] | None) -> str:
    """A share with its interval: "78.6 (72.1 to 83.9)", in percent; "-" where there is none."""
    if proportion is None:
        return "-"
    if "low" not in proportion:
        return f"{100 * proportion['value']:.1f}"
    return f"{100 * proportion['value']:.1f} ({100 * proportion['low']:.1f} to {100 * proportion['high']:.1f})"


def points(difference: Mapping[str, Any] | None) -> str:
    """A difference of accuracies with its interval, in percentage points and signed; "-" for none."""
    if difference is None:
        return "-"
    value, low, high = (f"{100 * difference[key]:+.1f}" for key in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def arms_table(arms: Sequence[Mapping[str, Any]]) -> str:
    """One row per arm: accuracy, specificity, difference to the classic arm, seeds, lesions."""
    rows = []
    for arm in arms:
        difference = arm.get("difference")
        seeds = [100 * accuracy for accuracy in arm["per_seed_accuracy"]]
        rows.append(
            [
                arm["title"],
                percent(arm["accuracy"]),
                percent(arm["specificity"]["total"]),
                points(difference),
                _p(difference["p"]) if difference else "-",
                f"{difference['gained']:.1f} / {difference['lost']:.1f}" if difference else "-",
                f"{seeds[0]:.1f}" if len(seeds) == 1 else f"{min(seeds):.1f} to {max(seeds):.1f} ({len(seeds)} seeds)",
                arm["n"],
            ]
        )
    header = (
        "Arm",
        "Accuracy = total sensitivity, %",
        "Total specificity, %",
        "Accuracy minus classic, points",
        "p",
        "Lesions gained / lost",
        "By seed, %",
        "n",
    )
    return _table(header, rows)


def class_table(arms: Sequence[Mapping[str, Any]], class_names: Sequence[str]) -> str:
    """One row per arm and class: sensitivity and specificity."""
    rows = [
        [
            arm["title"],
            name,
            percent(arm["sensitivity"]["per_class"][index]),
            percent(arm["specificity"]["per_class"][index]),
            arm["sensitivity"]["per_class"][index]["n"],
        ]
        for arm in arms
        for index, name in enumerate(class_names)
    ]
    return _table(("Arm", "Class", "Sensitivity, %", "Specificity, %", "Lesions of the class"), rows)


def paper_table(arms: Sequence[Mapping[str, Any]], paper: Mapping[str, Any]) -> str:
    """Ours beside the paper's printed totals, arm by arm."""
    printed = {arm["name"]: arm for arm in paper["arms"]}
    rows = []
    for arm in arms:
        theirs = printed.get(arm["name"], {})
        rows.append(
            [
                arm["title"],
                percent(arm["accuracy"]),
                percent(theirs.get("accuracy")),
                percent(arm["specificity"]["total"]),
                percent(theirs.get("specificity")),
            ]
        )
    header = ("Arm", "Accuracy, ours", "Accuracy, paper's data", "Specificity, ours", "Specificity, paper's data")
    return _table(header, rows)


def chosen_table(arms: Sequence[Mapping[str, Any]]) -> str:
    """What was chosen for each arm, fold by fold; empty where nothing was."""
    rows = [[arm["title"], what, *sizes] for arm in arms for what, sizes in (arm.get("chosen") or {}).items() if sizes]
    if not rows:
        return ""
    folds = max(len(row) for row in rows) - 2
    return _table(("Arm", "Size", *(f"Fold {fold}" for fold in range(folds))), rows)


def curve_table(points_of_curve: Sequence[Mapping[str, Any]], arm_titles: Mapping[str, str]) -> str:
    """One row per size: images, accuracy and its interval."""
    rows = [
        [
            arm_titles.get(point.get("arm", "classic"), point.get("arm", "classic")),
            f"{point['size']:,}",
            f"{point['total']:,.0f}",
            percent({**point, "value": point["accuracy"]}),
        ]
        for point in points_of_curve
    ]
    return _table(("Images", "Size", "Training images per fold", "Accuracy on the test folds, %"), rows)


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A markdown table; the first column is text, the others are numbers."""
    lines = [header, [":--"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in line) + " |" for line in lines)
