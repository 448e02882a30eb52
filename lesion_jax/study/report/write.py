"""Writes the report of a study: figures, report.html, report.md, results.json."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lesion_jax.disk.atomic import write_bytes, write_json
from lesion_jax.metrics.runs import Runs
from lesion_jax.paper.report.confusion_figure import confusion_figure
from lesion_jax.paper.report.look import title_of
from lesion_jax.study.report.answer import answers
from lesion_jax.study.report.blocks import markdown, page
from lesion_jax.study.report.calibration_figure import calibration_figure, calibration_points
from lesion_jax.study.report.contents import contents
from lesion_jax.study.report.curve_figure import curve_figure
from lesion_jax.study.report.differences_figure import differences_figure
from lesion_jax.study.report.dose_figure import dose_figure
from lesion_jax.study.report.scenario import scale_of


def write_report(
    results: Mapping[str, Any],
    runs: Mapping[str, Mapping[str, Runs]],
    directory: Path,
    *,
    pictures: Sequence[str] = (),
) -> Path:
    """Writes everything; what is there already is replaced, file by file.

    Args:
      results: From `results_of`; not changed.
      runs: scenario -> arm -> predictions.
      directory: Made if it is not there.
      pictures: Names of figures that are there already.

    Returns:
      Path of report.html.
    """
    directory.mkdir(parents=True, exist_ok=True)
    rule, scenarios, scale = results["rule"], results["scenarios"], scale_of(results["rule"])
    differences_figure(directory / "differences.png", scenarios, rule, scale)
    confusion_figure(directory / "confusion.png", scenarios[0]["arms"], results["dataset"]["class_names"])
    calibration_figure(directory / "calibration.png", next(iter(runs.values())))
    figures = [*pictures, "differences.png", "confusion.png", "calibration.png"]
    if len({scenario["num_train_lesions"] for scenario in scenarios}) > 1:
        curve_figure(directory / "curve.png", scenarios, rule, scale)
        figures.append("curve.png")
    if any(scenario["doses"] for scenario in scenarios):
        dose_figure(directory / "doses.png", scenarios, rule, scale)
        figures.append("doses.png")
    complete = {
        **results,
        "answer": " ".join(answers(results)),
        "figures": figures,
        "calibration": {title_of(arm): calibration_points(some) for arm, some in next(iter(runs.values())).items()},
    }
    blocks = contents(complete, directory)
    write_json(directory / "results.json", _finite(complete))
    write_bytes(directory / "report.md", markdown(blocks).encode())
    report = directory / "report.html"
    write_bytes(report, page("Study: do synthetic images help?", blocks).encode())
    return report


def _finite(value: Any) -> Any:
    """The same for JSON, which has no infinity: None in its place."""
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and value in (float("inf"), float("-inf")) else value
