"""What a study would cost, and which differences it could show, before it runs."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lesion_jax.errors import ConfigError
from lesion_jax.metrics.components import Components
from lesion_jax.metrics.power import DEFAULTS, Size, needed, smallest_difference
from lesion_jax.metrics.predictions import PREDICTION_METRICS
from lesion_jax.study import stages
from lesion_jax.study.layout import Layout
from lesion_jax.sweep.plan import Plan, plan_stages


@dataclasses.dataclass(frozen=True)
class Power:
    """What one scenario can show.

    Attributes:
      scenario: Its name.
      size: Patients, seeds, cohorts or partitions, folds.
      smallest: Smallest true difference that is shown with a power of 80 %, in the metric's unit.
      needs: What would be needed more for the margin, in words; "" where the margin can be shown.
    """

    scenario: str
    size: Size
    smallest: float
    needs: str


def plan_study(layout: Layout, *, topology: str | None = None, tell: Callable[[str], None]) -> Plan:
    """Programs, trainings, steps, memory and device-hours; see `sweep.plan`."""
    configs = [
        [training for _, training in stage(layout, settings)]
        for settings in (layout.tuning_settings, layout.settings)
        for stage in (stages.first, stages.second)
    ]
    num_devices = next(iter(layout.config.models.values())).num_devices
    return plan_stages(
        [stage for stage in configs if stage],
        layout.cohort,
        num_devices,
        topology,
        tell,
        note="; banks are not counted",
    )


def power_of(layout: Layout, components: Components = DEFAULTS) -> list[Power]:
    """What each scenario can show.

    Args:
      layout: The study.
      components: Variances of a paired difference of the primary metric; the default is of accuracy on the phantom.
    """
    found = []
    for name, scenario in layout.config.scenarios.items():
        settings = [setting for setting in layout.settings if setting.scenario == name]
        size = Size(
            patients=len({lesion.patient for lesion in layout.tested(settings[0])}),
            seeds=len(layout.config.seeds),
            groups=max(len({setting.cohort for setting in settings}), len({s.partition for s in settings})),
            folds=len(layout.folds(settings[0])),
        )
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


def components_of(study: Path) -> Components:
    """Variances that a finished study found: those of the comparison that varied most.

    Args:
      study: Its workdir.

    Raises:
      ConfigError: It has no results.
    """
    path = study / "report" / "results.json"
    try:
        scenarios = json.loads(path.read_text())["scenarios"]
        found = [one["difference"]["components"] for scenario in scenarios for one in scenario["comparisons"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"--pilot {study} is no finished study ({error}); name the workdir of one.") from error
    return Components(**max(found, key=lambda one: one["patients"]))


def describe_power(powers: list[Power], margin: float, metric: str) -> str:
    """A line for each scenario."""
    lines = [f"Smallest difference of {metric} that can be shown with a power of 80 % (the margin is {margin:g}):"]
    for power in powers:
        size = power.size
        what = f"{size.patients} test patients, {size.seeds} seeds, {size.groups} cohorts or partitions"
        needs = f"for the margin it needs about {power.needs}" if power.needs else "enough for the margin"
        largest = PREDICTION_METRICS[metric].largest
        smallest = "none" if largest is not None and power.smallest > largest else f"{power.smallest:.3f}"
        lines.append(f"  {power.scenario}: {smallest} ({what}); {needs}")
    return "\n".join(lines)
