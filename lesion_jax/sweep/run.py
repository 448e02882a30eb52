"""Runs the programs of a sweep, each a function of (config, index); the same command again carries on."""

import functools
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from lesion_jax.data.cohort import Cohort
from lesion_jax.data.training_images import check_images
from lesion_jax.disk.atomic import write_bytes, write_json, writing
from lesion_jax.disk.lock import locked
from lesion_jax.errors import BankError, ConfigError
from lesion_jax.io.progress import Progress
from lesion_jax.runtime import parallel, preemption
from lesion_jax.sweep.cells import Cell, dataset_of
from lesion_jax.sweep.config import SweepConfig
from lesion_jax.sweep.directory import Sweep
from lesion_jax.sweep.halving import Halving, rung_steps
from lesion_jax.train.groups import Group, make_groups
from lesion_jax.train.memory import num_steps, schedule_of
from lesion_jax.train.train_group import train_group
from lesion_jax.train.training import check_family

_NOTE_SECONDS = 5.0


def check_cells(config: SweepConfig, cells: Sequence[Cell], cohort: Cohort) -> None:
    """Finds out what cannot be trained before anything is.

    Raises:
      ConfigError: A cell's feed, fold, class, size, duration or banks, or a rung, that cannot be; which cell is said.
    """
    checked, counted = set(), set()
    for cell in cells:
        try:
            if cell.config.data.feed == "stream":
                raise ConfigError("data.feed is 'stream', but a sweep's images lie on its devices; leave it at 'auto'.")
            check_family(cell.config, cohort)
            # Cells that differ in seeds and rates have the same.
            if (length := (cell.config.kind, cell.config.data, cell.config.loop)) not in counted:
                num_steps(cell.config, cohort)
                counted.add(length)
            if (data := (cell.config.kind, cell.config.data)) not in checked:
                check_images(cell.config, cohort)
                checked.add(data)
            if config.halving.rungs:
                rung_steps(config.halving, cell.config, schedule_of(cell.config, cohort).steps_per_epoch)
        except (ConfigError, BankError) as error:
            raise ConfigError(f"Cell {cell.index} ({cell.changes}): {error}") from error


def programs_of(config: SweepConfig, cells: Sequence[Cell], cohort: Cohort) -> list[Group]:
    """The programs of a sweep, by index; a function of the config and the dataset alone."""
    return make_groups(
        [cell.config for cell in cells],
        cohort,
        num_devices=config.num_devices,
        device_memory=config.device_memory,
        queue=bool(config.halving.rungs),
    )


def run_sweep(
    config: SweepConfig, workdir: Path | str, *, index: int | None = None, cohort: Cohort | None = None
) -> int:
    """Trains the programs of a sweep in turn, or one of them.

    A program that is finished is skipped, one that was interrupted resumes, and one that another process trains is
    refused by its lock. Cells that a changed config adds are numbered after those that there are; where it is longer,
    all of them are continued.

    Args:
      config: Config of the sweep, of `lesion_jax.config`.
      workdir: Directory of the sweep, made if absent; may be shared with other processes, which run other programs.
      index: Number of the only program to run; None runs all.
      cohort: Content of the dataset; None loads it.

    Returns:
      How many cells have diverged in this call; those that had before are passed over.

    Raises:
      LesionJaxError: Bad settings or data at the start, a directory of another sweep, no such program.
      Preempted: The process was asked to end; every training has been saved.
    """
    sweep = Sweep.of(config, Path(workdir))
    cohort = cohort or Cohort.load(Path(dataset_of(sweep.cells)).expanduser())
    sweep = sweep.continued(cohort)
    check_cells(config, sweep.cells, cohort)
    programs = programs_of(config, sweep.cells, cohort)
    if index is not None and not 0 <= index < len(programs):
        raise ConfigError(f"--index is {index}, but the sweep has {len(programs)} programs, from 0.")
    devices = parallel.choose_local_devices(config.num_devices)
    for program in programs:
        if refusal := program.refusal(devices[0]):
            raise ConfigError(refusal)
    sweep.claim(cohort)
    failed = 0
    for number in range(len(programs)) if index is None else [index]:
        with ExitStack() as held:
            lock = sweep.file(number, "lock")
            with writing(lock):
                held.enter_context(locked(lock, what=lock.with_suffix("")))
            failed += _run_program(sweep, programs[number], number, len(programs), devices, cohort)
        preemption.end_if_asked()
    return failed


def _run_program(
    sweep: Sweep, program: Group, number: int, num_programs: int, devices: list[parallel.Device], cohort: Cohort
) -> int:
    # A cell that has diverged would do so again, at the same step.
    left = [cell for cell in program.trainings if sweep.state_of(cell)[0] not in ("done", "stopped", "failed")]
    if not left:
        return 0
    names = sweep.file(number, "cells")
    with writing(names):
        lines = [f"{sweep.directory(cell).relative_to(sweep.workdir)}\n" for cell in program.trainings]
        write_bytes(names, "".join(lines).encode())
    config = sweep.config
    stop_rule = None
    if config.halving.rungs:
        some = [sweep.cells[cell].config for cell in left]
        rungs = [rung_steps(config.halving, cell, schedule_of(cell, cohort).steps_per_epoch) for cell in some]
        stop_rule = Halving(config.halving.keep, rungs, left, sweep.file(number, "rungs.json"))
    _, diverged = train_group(
        [(sweep.cells[cell].config, sweep.directory(cell)) for cell in left],
        cohort,
        devices=devices,
        slots_per_device=program.slots_per_device,
        packing=config.packing,
        workdir=sweep.workdir,
        label=f"program {number + 1}/{num_programs}, {len(left)} cells",
        stop_rule=stop_rule,
        progress=functools.partial(_Noted, sweep.file(number, "json")),
    )
    return len(diverged)


class _Noted(Progress):
    """Also leaves a note for `sweep --status`, every few seconds."""

    def __init__(self, path: Path, total: int, label: str):
        super().__init__(total, label)
        self._path = path
        self._noted = -float("inf")

    def update(self, done: int, note: str = "") -> None:
        super().update(done, note)
        now = time.monotonic()
        if now - self._noted > _NOTE_SECONDS or done >= self._total:
            self._noted = now
            with writing(self._path):
                write_json(self._path, {"done": done, "total": self._total, "rate": self.rate, "time": time.time()})
