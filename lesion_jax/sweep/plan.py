"""What a config would cost, before anything runs: programs, trainings, steps, memory, device-hours."""

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from lesion_jax.config import TrainingConfig
from lesion_jax.core.text_table import text_table
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.training_images import resolve_window
from lesion_jax.families import family_of
from lesion_jax.runtime import parallel
from lesion_jax.runtime.population import Packing
from lesion_jax.sweep.cells import dataset_of, expand
from lesion_jax.sweep.config import SweepConfig
from lesion_jax.sweep.estimates import Compiler, Count, Stopwatch
from lesion_jax.sweep.run import check_cells, programs_of
from lesion_jax.train.groups import Group, make_groups
from lesion_jax.train.memory import num_steps

_GIB = 2**30
# GiB; more than any device has.
_ANY_MEMORY = 2.0**20


@dataclasses.dataclass(frozen=True)
class PlannedProgram:
    """One program.

    Attributes:
      index: Number for `sweep --index`.
      kind: Family of its trainings.
      num_trainings: Number of trainings.
      slots_per_device: Trainings on a device at once.
      num_steps: Steps of all trainings together.
      device_gib: Memory on each device, GiB.
      seconds_per_step: Time per step of one training: wall time over the steps of all; None where it does not fit.
      device_hours: Time of all its devices together, compilation not counted; None likewise.
      compiled: What the compiler for a chip that is not here says of a step of all of its trainings: kernels (of GPUs),
        gflop, needed_gflop, gigabytes, collectives, likely_ms (where its pace is known); None where it was timed.
    """

    index: int
    kind: str
    num_trainings: int
    slots_per_device: int
    num_steps: int
    device_gib: float
    seconds_per_step: float | None
    device_hours: float | None
    compiled: dict[str, float] | None


@dataclasses.dataclass(frozen=True)
class Plan:
    """All programs, and how they were estimated.

    Attributes:
      programs: Programs in order.
      num_devices: Devices of each program.
      method: Source of the times, in a sentence.
      refusals: Why it does not fit; empty where it does.
    """

    programs: tuple[PlannedProgram, ...]
    num_devices: int
    method: str
    refusals: tuple[str, ...]


def make_plan(
    config: TrainingConfig | SweepConfig,
    *,
    topology: str | None = None,
    measure: bool = True,
    cohort: Cohort | None = None,
    tell: Callable[[str], None] = lambda text: None,
) -> Plan:
    """Plans a sweep, or a single training as a sweep of one cell.

    Args:
      config: Config of either.
      topology: TPUs such as "v5e:4x4" or GPUs such as "h100:8", compiled for and not run; None measures a few steps on
        the device at hand.
      measure: Whether to find out times; False counts programs, trainings, steps and memory, and compiles nothing.
      cohort: Content of the dataset; None loads it.
      tell: Called with what is being done.

    Raises:
      ConfigError: Bad settings; one training does not fit a device.
    """
    # What a single training takes is held against the device alone.
    sweep = config if isinstance(config, SweepConfig) else SweepConfig(base=config, device_memory=_ANY_MEMORY)
    cells = expand(sweep)
    cohort = cohort or Cohort.load(Path(dataset_of(cells)).expanduser())
    check_cells(sweep, cells, cohort)
    packing: Packing | Literal["auto"] = "auto" if sweep.packing == "measure" else sweep.packing
    planner = Planner(cohort, sweep.num_devices, topology, packing if measure else None, tell)
    planner.add([cell.config for cell in cells], programs_of(sweep, cells, cohort))
    return planner.plan()


def plan_stages(
    stages: Sequence[Sequence[TrainingConfig]],
    cohort: Cohort,
    num_devices: int,
    topology: str | None,
    tell: Callable[[str], None],
    *,
    note: str = "",
) -> Plan:
    """Plans trainings that wait for each other, stage by stage, as `paper` and `study` train them.

    Args:
      stages: Configs of each stage.
      cohort: Their dataset.
      num_devices: Devices that the trainings are spread over; 0 for all.
      topology: As for `make_plan`.
      tell: As for `make_plan`.
      note: Ends the sentence about the method.
    """
    if topology:
        # Late: it needs an environment that is set before JAX starts.
        from lesion_jax.sweep.absent_devices import chip_bytes

        # Nobody knows here how many "all" are.
        num_devices, memory = num_devices or 1, chip_bytes(topology)
    else:
        devices = parallel.choose_local_devices(num_devices)
        num_devices, memory = len(devices), parallel.memory_bytes(devices[0])
    planner = Planner(cohort, num_devices, topology, "auto", tell)
    for configs in stages:
        planner.add(configs, make_groups(configs, cohort, num_devices=num_devices, device_memory=memory / 2**30))
    return planner.plan(note)


class Planner:
    """Collects what is to be trained, and estimates each shape once."""

    def __init__(
        self,
        cohort: Cohort,
        num_devices: int,
        topology: str | None,
        packing: Packing | Literal["auto"] | None,
        tell: Callable[[str], None],
    ):
        """Starts empty.

        Args:
          cohort: The dataset of all trainings.
          num_devices: Devices that each program is spread over.
          topology: Topology to compile for; None measures on the device at hand.
          packing: How trainings share a device; "auto" for what is known of it. None finds out no times.
          tell: Called with what is being done.
        """
        self._cohort, self._num_devices = cohort, num_devices
        if packing is None:
            self._estimate = Count()
        elif topology:
            self._estimate = Compiler(topology, num_devices, packing, cohort, tell)
        else:
            self._estimate = Stopwatch(num_devices, packing, cohort, tell)
        self._programs: list[PlannedProgram] = []

    def add(self, configs: Sequence[TrainingConfig], groups: Sequence[Group]) -> None:
        """Plans the programs that some trainings have been divided into.

        Raises:
          ConfigError: A duration or size that cannot be.
        """
        for group in groups:
            some = [resolve_window(configs[position], self._cohort) for position in group.trainings]
            seconds, device_bytes, compiled = None, group.device_bytes, None
            # A training without gradient steps is over in a moment, and is not measured.
            if family_of(some[0]).fit is None:
                seconds, device_bytes, compiled = self._estimate(some[0], group)
            steps = sum(num_steps(config, self._cohort) for config in some)
            self._programs.append(
                PlannedProgram(
                    index=len(self._programs),
                    kind=some[0].kind,
                    num_trainings=len(some),
                    slots_per_device=group.slots_per_device,
                    num_steps=steps,
                    device_gib=device_bytes / _GIB,
                    seconds_per_step=seconds,
                    device_hours=None if seconds is None else steps * seconds * self._num_devices / 3600,
                    compiled=compiled,
                )
            )

    def plan(self, note: str = "") -> Plan:
        """What has been added; the note is part of how it was estimated."""
        estimate = self._estimate
        refusals = tuple(dict.fromkeys(estimate.refusals))
        return Plan(tuple(self._programs), self._num_devices, estimate.method + note, refusals)


def describe_plan(plan: Plan) -> str:
    """A plan as a table with its sums."""
    names = ("program", "kind", "trainings", "at once", "steps", "GiB/device", "ms/step", "device-hours")
    table = []
    for p in plan.programs:
        times = ("-", "-")
        if p.seconds_per_step is not None and p.device_hours is not None:
            times = f"{1e3 * p.seconds_per_step:.4g}", f"{p.device_hours:.3g}"
        numbers = (f"{p.device_gib:.3g}", *times)
        at_once = p.slots_per_device * plan.num_devices
        table.append((p.index, p.kind, p.num_trainings, at_once, p.num_steps, *numbers))
    lines = [text_table(names, table, indent="")]
    hours = [p.device_hours for p in plan.programs if p.device_hours is not None]
    cost = f"{sum(hours):.3g} device-hours: " if hours else ""
    num_trainings = sum(p.num_trainings for p in plan.programs)
    lines.append(
        f"{len(plan.programs)} programs of {plan.num_devices} devices, {num_trainings} trainings, "
        f"{sum(p.num_steps for p in plan.programs)} steps, {cost}{plan.method}. "
        "Compilation and scoring are not counted."
    )
    for p in plan.programs:
        if p.compiled is not None:
            facts = p.compiled
            kernels = f"{facts['kernels']} kernels, " if "kernels" in facts else ""
            likely = f"; {facts['likely_ms']:.3g} ms by the chip's measured pace" if "likely_ms" in facts else ""
            lines.append(
                f"program {p.index}: {kernels}{facts['gflop']:.4g} GFLOP where {facts['needed_gflop']:.4g} are needed, "
                f"{facts['gigabytes']:.3g} GB and {facts['collectives']} collectives in a step of a chip's trainings"
                + likely
            )
    return "\n".join([*lines, *(f"DOES NOT FIT: {text}" for text in plan.refusals)])
