"""Trains one cut of trainings: prepared, opened, packed, and closed, whatever happens."""

import functools
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from lesion_jax.config import ClassifierConfig, DataConfig, GanConfig
from lesion_jax.data.study import Study
from lesion_jax.disk.limits import allow_open_files
from lesion_jax.errors import DivergedError
from lesion_jax.io.progress import Progress
from lesion_jax.runtime import parallel
from lesion_jax.runtime.population import Packing
from lesion_jax.train.packing import choose_packing
from lesion_jax.train.population import Judge, train_members
from lesion_jax.train.session import Job, Session


def train_cut(
    trainings: Sequence[tuple[ClassifierConfig | GanConfig, Path]],
    study: Study,
    *,
    devices: Sequence[parallel.Device],
    places_per_device: int,
    packing: Packing | None,
    packings: Path,
    cache_dir: Path,
    label: str,
    judge: Judge | None = None,
    progress: Callable[[int, str], Progress] = Progress,
) -> tuple[int, dict[Path, DivergedError]]:
    """Trains what is not finished of some trainings of one program.

    Args:
      trainings: (config, run directory); see `programs.cut_programs`.
      study: Their dataset.
      devices: Of this process.
      places_per_device: See `train_members`.
      packing: None measures, see `packing.choose_packing`.
      packings: Where choices are remembered.
      cache_dir: Where augmented images are kept.
      label: What progress calls them.
      judge: See `train_members`; its positions are those of `trainings`, none of which is finished then.
      progress: (total steps, label) -> what is told of them.

    Returns:
      (how many were not finished; those of them that diverged, by run directory).

    Raises:
      RunError: One of the directories is another run's, or being written by another process; they are too many.
    """
    # Every member's directory is locked from the start.
    allow_open_files(len(trainings))
    with ExitStack() as stack:
        members: list[tuple[Job, Session]] = []
        # Members that differ in seeds and rates have the same images: the host makes and holds them once.
        held: dict[tuple[str, DataConfig], Job] = {}
        for config, workdir in trainings:
            data = config.kind, config.data
            job = held[data] = Job.of(config, study, num_devices=1, cache_dir=cache_dir, like=held.get(data))
            session = stack.enter_context(Session.open(job, workdir))
            if not session.is_done:
                members.append((job, session))
        if not members:
            return 0, {}
        jobs = [job for job, _ in members]
        num_steps = sum(job.periods.total for job in jobs)
        shown = progress(num_steps, label)
        # Of the whole cut, not of what is left of it: what is continued goes on in the packing that it began in.
        choose = functools.partial(
            choose_packing,
            devices=tuple(devices),
            places_per_device=places_per_device,
            batch_size=jobs[0].config.data.batch_size,
            num_steps=num_steps,
            directory=packings,
            tell=shown.say,
        )
        failed = train_members(
            members,
            devices,
            shown,
            packing=packing or choose,
            places_per_device=places_per_device,
            judge=judge,
        )
        return len(members), {members[position][1].run.path: error for position, error in failed.items()}
