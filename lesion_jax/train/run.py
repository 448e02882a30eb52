"""One training as a run directory: started, continued or found finished by the same call."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lesion_jax.config import ClassifierConfig, GanConfig, to_dict
from lesion_jax.core import keys, parallel, processes
from lesion_jax.data.feed import prefetch_to_devices
from lesion_jax.errors import ConfigError, DivergedError, LesionJaxError, RunError
from lesion_jax.io.checkpoints import Checkpoints, best_step, last_step
from lesion_jax.io.progress import Progress
from lesion_jax.io.provenance import describe_environment
from lesion_jax.io.run_directory import RunDirectory, identity_of
from lesion_jax.io.writers import MetricsWriter
from lesion_jax.train.kinds import Training, create_training
from lesion_jax.train.loop import Ending, Periods, run_loop
from lesion_jax.train.prepare import Prepared, Study, prepare

# What may differ when a run is continued: its length, what is logged and saved, and where its data lies now (the data
# itself is held to its fingerprints). Not how often it is evaluated: that decides which checkpoint is the best.
_FREE = frozenset(
    {
        "loop.duration",
        "loop.log_every",
        "loop.checkpoint_every",
        "loop.pictures_every",
        "data.dataset",
        "data.banks",
    }
)

# What the first process tells the others of the run directory.
_GO, _DONE, _REFUSED = range(3)


def train(
    config: ClassifierConfig | GanConfig,
    workdir: Path,
    *,
    study: Study | None = None,
    cache_dir: Path | None = None,
    label: str = "",
) -> bool:
    """Trains until the config's duration; a finished run returns at once, a broken-off one carries on.

    Of several processes (see `core.processes`) each calls this with the same arguments, and the first one writes.

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
    if not config.data.dataset:
        raise ConfigError("data.dataset is empty; name a directory written by `lesion-jax build`.")
    config = _with_absolute_paths(config)
    devices = parallel.choose_devices(config.num_devices, config.data.batch_size)
    study = study or Study.load(Path(config.data.dataset))
    prepared = prepare(config, study, cache_dir=cache_dir)
    prepared.schedule.check_devices(len(devices))
    periods = Periods.of(config.loop, prepared.schedule.steps_per_epoch)
    free = _FREE
    if isinstance(config, GanConfig) and config.batch_norm == "replica":
        # Their number is then part of the run.
        config = dataclasses.replace(config, num_devices=len(devices))
    else:
        free |= {"num_devices"}
    job = _Job(config, prepared, devices, periods, free)
    if not processes.agree(identity_of(to_dict(config), prepared.provenance, frozenset())):
        raise ConfigError("The processes of this run were given different configs or data; start them all alike.")
    if processes.is_first():
        return _train_and_write(job, workdir, label or config.kind)
    return _take_part(job)


@dataclasses.dataclass(frozen=True)
class _Job:
    config: ClassifierConfig | GanConfig
    prepared: Prepared
    devices: list[parallel.Device]
    periods: Periods
    free: frozenset[str]

    def run(
        self, training: Training, state: Any, collapse: str | None, checkpoints: Any, writer: Any, progress: Any
    ) -> Ending:
        # Imports TensorFlow, which a caller that brings its own study has not needed until here.
        from lesion_jax.data.pipeline import make_batches

        start, seed = int(state.step), self.config.seed
        batches = make_batches(self.prepared.images, self.prepared.schedule, start=start, stop=self.periods.total)
        return run_loop(
            training.step,
            parallel.replicate(state, self.devices),
            keys.stream(seed, self.config.kind),
            prefetch_to_devices(batches, self.devices),
            start=start,
            collapse=collapse,
            devices=self.devices,
            periods=self.periods,
            hooks=training.hooks,
            checkpoints=checkpoints,
            writer=writer,
            progress=progress,
        )


def _train_and_write(job: _Job, workdir: Path, label: str) -> bool:
    config = job.config
    facts = {**job.prepared.provenance, "environment": describe_environment()}
    reopening = frozenset({"loop.duration"})
    try:
        _check_not_shorter(workdir, job.periods.total)
        opened = RunDirectory.open(
            workdir, config=to_dict(config), provenance=facts, free=job.free, reopening=reopening
        )
    except LesionJaxError:
        processes.from_first(np.int32(_REFUSED))
        raise
    with opened as run:
        if processes.from_first(np.int32(_DONE if run.is_done else _GO)) == _DONE:
            return False
        training = create_training(config, job.prepared, job.devices)
        with Checkpoints(run.checkpoints, run=run.identity) as checkpoints:
            restored = checkpoints.restore_last(training.state)
            note, state = restored or (None, jax.device_get(training.state))
            state = processes.from_first(state)
            writer = MetricsWriter(run, start=int(state.step))
            progress = Progress(job.periods.total, label)
            try:
                ending = job.run(training, state, note and note.collapse, checkpoints, writer, progress)
            except DivergedError as error:
                run.mark_failed(str(error))
                raise
            finally:
                writer.close()
            checkpoints.wait()
            run.mark_done({"steps": ending.steps, "best_step": best_step(run.checkpoints), "collapse": ending.collapse})
    processes.meet()
    return True


class _Silent:
    """Stands for the checkpoints, the writer and the progress of every process but the first."""

    def _do_nothing(self, *_: Any, **__: Any) -> None: ...

    save = wait = return_to_healthy = scalars = image = update = _do_nothing


def _take_part(job: _Job) -> bool:
    told = processes.from_first(np.int32(_GO))
    if told == _REFUSED:
        raise RunError("The first process has refused this run; its message says why.")
    if told == _DONE:
        return False
    training, silent = create_training(job.config, job.prepared, job.devices), _Silent()
    job.run(training, processes.from_first(jax.device_get(training.state)), None, silent, silent, silent)
    processes.meet()
    return True


def _check_not_shorter(workdir: Path, total: int) -> None:
    # Before the run directory is opened for writing: a refused change must leave it as it is.
    done = last_step(workdir / "checkpoints")
    if done is not None and done > total:
        raise RunError(
            f"{workdir} has been trained for {done} steps, but loop.duration means {total}; a run can be made longer, "
            "never shorter."
        )


def _with_absolute_paths(config: ClassifierConfig | GanConfig) -> ClassifierConfig | GanConfig:
    # A run is evaluated from other folders than the one that it was started in.
    def absolute(path: str) -> str:
        return str(Path(path).expanduser().absolute())

    banks = tuple(absolute(bank) for bank in config.data.banks)
    data = dataclasses.replace(config.data, dataset=absolute(config.data.dataset), banks=banks)
    return dataclasses.replace(config, data=data)
