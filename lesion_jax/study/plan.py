"""What a study would cost, before it runs."""

from collections.abc import Callable

from lesion_jax.study import stages
from lesion_jax.study.layout import Layout
from lesion_jax.sweep.plan import Plan, plan_stages


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
