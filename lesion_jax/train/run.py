"""One training as a run directory: started, continued or found finished by the same call."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lesion_jax.config import ClassifierConfig, GanConfig
from lesion_jax.core import keys
from lesion_jax.data.prefetch import prefetch_to_devices
from lesion_jax.data.schedule import Schedule
from lesion_jax.data.study import Study
from lesion_jax.errors import ConfigError, LesionJaxError, RunError
from lesion_jax.io.progress import Progress
from lesion_jax.runtime import parallel, processes
from lesion_jax.train.kinds import Training, create_training, replicated_step
from lesion_jax.train.loop import run_loop
from lesion_jax.train.member import Member
from lesion_jax.train.population import train_members
from lesion_jax.train.session import Job, Session, require_dataset

# What the first process tells the others of the run directory.
_GO, _DONE, _REFUSED = range(3)
# Of a device's memory that images may take.
_IMAGES_SHARE = 0.25


def train(
    config: ClassifierConfig | GanConfig,
    workdir: Path,
    *,
    study: Study | None = None,
    cache_dir: Path | None = None,
    label: str = "",
) -> bool:
    """Trains until the config's duration; a finished run returns at once, a broken-off one carries on.

    Of several processes (see `runtime.processes`) each calls this with the same arguments, and the first one writes.

    Args:
      config: Resolved.
      workdir: Of the run; made if absent.
      study: Already loaded content of `config.data.dataset`; None loads it.
      cache_dir: Where augmented images are kept between runs.
      label: What progress calls this run.

    Returns:
      Whether anything was left to do.

    Raises:
      LesionJaxError: Bad settings or data, before anything is written; divergence, with
        FAILED and its reason in the run directory.
      Preempted: The process was asked to end; the step in flight has been taken and saved.
    """
    # Before JAX starts its backend, which takes a while.
    require_dataset(config)
    devices = parallel.choose_devices(config.num_devices, config.data.batch_size)
    job = Job.of(config, study, num_devices=len(devices), cache_dir=cache_dir)
    if not processes.agree(job.identity):
        raise ConfigError("The processes of this run were given different configs or data; start them all alike.")
    is_resident = _is_resident(job)
    label = label or config.kind
    if processes.is_first():
        return _train_and_write(job, devices, workdir, label, is_resident)
    return _take_part(job, devices, is_resident)


def _is_resident(job: Job) -> bool:
    """Whether the images lie on every device that trains; otherwise they are streamed."""
    feed = job.config.data.feed
    fits = job.prepared.images.pixels.nbytes <= parallel.memory_bytes(jax.local_devices()[0]) * _IMAGES_SHARE
    wanted = feed == "resident" or (feed == "auto" and fits)
    # Hosts may have different memory: all of them hold the images, or none does.
    return processes.agree(str(wanted)) and wanted


def _train_and_write(job: Job, devices: list[parallel.Device], workdir: Path, label: str, is_resident: bool) -> bool:
    try:
        opened = Session.open(job, workdir)
    except LesionJaxError:
        processes.from_first(np.int32(_REFUSED))
        raise
    with opened as session:
        if processes.from_first(np.int32(_DONE if session.is_done else _GO)) == _DONE:
            return False
        progress = Progress(job.periods.total, label)
        if is_resident and len(devices) == 1:
            for error in train_members([(job, session)], devices, progress).values():
                raise error
            return True
        training = create_training(job.config, job.prepared)
        state, member = session.start(training)
        steps = _run(job, devices, training, processes.from_first(state), member, progress, is_resident)
        session.finish(steps, member.collapse)
    processes.meet()
    return True


def _run(
    job: Job,
    devices: list[parallel.Device],
    training: Training,
    state: Any,
    member: Member,
    progress: Any,
    is_resident: bool,
) -> int:
    config, start, prepared = job.config, int(state.step), job.prepared
    shared: Any = keys.stream(config.seed, config.kind)
    if is_resident:
        batches = _numbers(prepared.schedule, start, job.periods.total)
        images = {"pixels": prepared.images.pixels, "label": prepared.images.labels}
        shared = parallel.replicate(images, devices), shared
    else:
        # Imports TensorFlow, which a caller that brings its own study has not needed until here.
        from lesion_jax.data.stream import make_batches

        batches = make_batches(prepared.images, prepared.schedule, start=start, stop=job.periods.total)
    batch_norm = config.batch_norm if isinstance(config, GanConfig) else ""
    return run_loop(
        replicated_step(training.program, batch_norm, tuple(devices), is_resident=is_resident),
        parallel.replicate(state, devices),
        shared,
        prefetch_to_devices(batches, devices),
        start=start,
        devices=devices,
        member=member,
        progress=progress,
    )


def _numbers(schedule: Schedule, start: int, stop: int) -> Iterator[dict[str, np.ndarray]]:
    """Batches of residents."""
    index = np.arange(schedule.batch_size, dtype=np.int32)
    return ({"chosen": schedule.indices(step), "index": index} for step in range(start, stop))


class _Silent:
    """Stands for the checkpoints, the writer and the progress of every process but the first."""

    def _do_nothing(self, *_: Any, **__: Any) -> None: ...

    save = wait = return_to_healthy = scalars = image = update = _do_nothing


def _take_part(job: Job, devices: list[parallel.Device], is_resident: bool) -> bool:
    told = processes.from_first(np.int32(_GO))
    if told == _REFUSED:
        raise RunError("The first process has refused this run; its message says why.")
    if told == _DONE:
        return False
    training, silent = create_training(job.config, job.prepared), _Silent()
    state: Any = processes.from_first(jax.device_get(training.state))
    member = Member(job.periods, training.hooks, silent, silent, collapse=None)  # pyright: ignore[reportArgumentType]
    _run(job, devices, training, state, member, silent, is_resident)
    processes.meet()
    return True
