"""A run's scores as a table for a terminal."""

from typing import Any


def _row(name: str, proportion: dict[str, Any]) -> str:
    if not proportion["n"]:
        return f"{name:32}     -      n = 0"
    return (
        f"{name:32}{100 * proportion['value']:6.1f} %   "
        f"[{100 * proportion['low']:.1f}, {100 * proportion['high']:.1f}]   n = {proportion['n']}"
    )


def describe(result: dict[str, Any]) -> str:
    """What `score_run` returned, as lines of text; intervals are 95 % Wilson."""
    lines = [
        f"{result['kind']} {result['run']}, {result['checkpoint']} checkpoint",
        f"{result['part']} lesions of fold {result['fold']}: {result['n']}",
    ]
    if "confusion" in result:
        lines.append("confusion, rows true: " + ", ".join(result["class_names"]))
        lines += ["  " + " ".join(f"{count:5d}" for count in row) for row in result["confusion"]]
        lines.append(_row("accuracy", result["accuracy"]))
        for score in ("sensitivity", "specificity"):
            lines.append(_row(f"{score}, weighted", result[score]["total"]))
            for name, proportion in zip(result["class_names"], result[score]["per_class"], strict=True):
                lines.append(_row(f"  {score} of {name}", proportion))
    if distance := result.get("kernel_distance"):
        lines.append(
            f"kernel distance {distance['value']:.4f} +- {distance['std']:.4f} (random-CNN features, "
            f"{distance['num_real']} real, {distance['num_synthetic']} synthetic)"
        )
    return "\n".join(lines)
