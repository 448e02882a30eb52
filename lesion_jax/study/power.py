"""Which differences a study could show, before it runs."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from lesion_jax.errors import ConfigError
from lesion_jax.metrics.components import Components
from lesion_jax.metrics.power import DEFAULTS, Size, needed, smallest_difference, variances
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.study.layout import Layout


@dataclasses.dataclass(frozen=True)
class Power:
    """What one scenario can show.

    Attributes:
      scenario: Its name.
      size: Patients, seeds, cohorts or partitions, folds.
      smallest: Smallest true difference that is shown with a power of 80 %, in the metric's unit; None where nothing
        is known of the metric's variances.
      needs: What would be needed more for the margin, in words; "" where the margin can be shown, or nothing is known.
    """

    scenario: str
    size: Size
    smallest: float | None
    needs: str


def power_of(layout: Layout, components: Components | None = None) -> list[Power]:
    """What each scenario can show.

    Args:
      layout: The study.
      components: Variances of a paired difference of the primary metric; None takes those of accuracy on the phantom
        for metrics that vary as it does, and says nothing of others.
    """
    if components is None and PREDICTION_METRICS[layout.config.metric].varies_as_accuracy:
        components = DEFAULTS
    found = []
    for name, scenario in layout.config.scenarios.items():
        size = _size(layout, name)
        if components is None:
            found.append(Power(name, size, None, ""))
            continue
        options: dict[str, Any] = {
            "confidence": layout.config.confidence,
            "num_compared": len(layout.config.arms) - 1,
        }
        smallest = smallest_difference(components, size, **options)
        more = needed(components, size, layout.config.margin, **options)
        groups = "cohorts" if scenario.per_class else "partitions"
        counts = ((more.patients, "patients"), (more.seeds, "seeds"), (more.groups, groups))
        words = " and ".join(f"{count} more {what}" for count, what in counts if count)
        found.append(Power(name, size, smallest, words))
    return found


def _size(layout: Layout, scenario: str) -> Size:
    settings = [setting for setting in layout.settings if setting.scenario == scenario]
    cohorts = len({setting.cohort for setting in settings})
    groups = cohorts if cohorts > 1 else len({setting.partition for setting in settings})
    return Size(
        patients=len({lesion.patient for lesion in layout.tested(settings[0])}),
        # As `compare` takes them: partitions of a cohort are retrainings of it, whatever their folds.
        seeds=len(settings) // groups,
        groups=groups,
        folds=1 if cohorts > 1 else len(layout.folds(settings[0])),
    )


def components_of(study: Path, layout: Layout) -> Components:
    """Variances that a finished study found: those of the comparison that varies most in the planned one.

    Args:
      study: Its workdir.
      layout: The study that is planned by them.

    Raises:
      ConfigError: It has no results, or another primary metric, or could not see what the planned one varies by.
    """
    path = study / "report" / "results.json"
    try:
        results = json.loads(path.read_text())
        metric = results["rule"]["metric"]
        found = [one["difference"]["components"] for part in results["scenarios"] for one in part["comparisons"]]
        sizes = [_size(layout, name) for name in layout.config.scenarios]
        components = max(
            (Components(**one) for one in found), key=lambda one: sum(sum(variances(one, size)) for size in sizes)
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"--pilot {study} is no finished study ({error}); name the workdir of one.") from error
    if metric != layout.config.metric:
        raise ConfigError(
            f"--pilot {study} compared by {metric}, but metric is {layout.config.metric!r}, which varies otherwise; "
            "name a pilot of the same metric, or none."
        )
    for name in layout.config.scenarios:
        what = "groups" if _size(layout, name).groups > 1 else "seeds"
        if getattr(components, what) is None:
            several = "several cohorts or partitions" if what == "groups" else "several seeds of one cohort"
            raise ConfigError(
                f"--pilot {study} does not know what scenario {name} varies by: it takes a pilot with {several}."
            )
    return components


def describe_power(powers: list[Power], margin: float, metric: str, pilot: Path | None = None) -> str:
    """A line for each scenario.

    Args:
      powers: Of each scenario.
      margin: Of equivalence.
      metric: Key in `PREDICTION_METRICS`.
      pilot: The study whose variances these are by; None for the defaults.
    """
    shown = [power.smallest for power in powers if power.smallest is not None]
    if len(shown) < len(powers):
        return (
            f"Which differences of {metric} can be shown is not known: variances are known of accuracy, or from a "
            "finished study of this metric, `lesion-jax plan --pilot=STUDY`."
        )
    by = f"the variances that {pilot} found" if pilot else "variances of accuracy measured on the phantom"
    lines = [
        f"Smallest difference of {metric} that can be shown with a power of 80 %, by {by} (the margin is {margin:g}):"
    ]
    largest = PREDICTION_METRICS[metric].largest
    for power, difference in zip(powers, shown, strict=True):
        size = power.size
        what = f"{size.patients} test patients, {size.seeds} seeds, {size.groups} cohorts or partitions"
        needs = f"for the margin it needs about {power.needs}" if power.needs else "enough for the margin"
        smallest = "none" if largest is not None and difference > largest else f"{difference:.3f}"
        lines.append(f"  {power.scenario}: {smallest} ({what}); {needs}")
    return "\n".join(lines)
