"""One training as a run directory: started, continued or found finished by the same call."""

import dataclasses
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lesion_jax.config import ClassifierConfig, GanConfig, to_dict
from lesion_jax.core import keys, parallel, processes
from lesion_jax.data.feed import prefetch_to_devices
from lesion_jax.errors import ConfigError, DivergedError, RunError
from lesion_jax.io.checkpoints import Checkpoints, best_step, last_step
from lesion_jax.io.progress import Progress
from lesion_jax.io.provenance import describe_environment
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.io.writers import MetricsWriter
from lesion_jax.train.kinds import Training, create_training
from lesion_jax.train.loop import Ending, Periods, run_loop
from lesion_jax.train.prepare import Prepared, Study, prepare

# What may differ when a run is continued: its length, what is logged, and where its data lies now
# (the data itself is held to its fingerprints).
_FREE = frozenset(
    {
        "loop.duration",
        "loop.log_every",
        "loop.evaluate_every",
        "loop.checkpoint_every",
        "loop.pictures_every",
        "data.dataset",
        "data.banks",
    }
)


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
    job = _Job(config, prepared, devices, periods)
    if processes.is_first():
        return _train_and_write(job, workdir, label or config.kind)
    return _take_part(job)


@dataclasses.dataclass(frozen=True)
class _Job:
    config: ClassifierConfig | GanConfig
    prepared: Prepared
    devices: list[parallel.Device]
    periods: Periods

    def run(self, training: Training, state: Any, checkpoints: Any, writer: Any, progress: Any) -> Ending:
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
    free = _FREE
    if isinstance(config, GanConfig) and config.batch_norm == "replica":
        facts["num_replicas"] = len(job.devices)
    else:
        free |= {"num_devices"}
    _check_not_shorter(workdir, job.periods.total)
    with RunDirectory.open(workdir, config=to_dict(config), provenance=facts, free=free) as run:
        if processes.from_first(np.bool_(run.is_done)):
            return False
        training = create_training(config, job.prepared, job.devices)
        with Checkpoints(run.checkpoints) as checkpoints:
            restored = checkpoints.restore_last(training.state)
            state = processes.from_first(jax.device_get(training.state) if restored is None else restored)
            writer = MetricsWriter(run, start=int(state.step))
            try:
                ending = job.run(training, state, checkpoints, writer, Progress(job.periods.total, label))
            except DivergedError as error:
                run.mark_failed(str(error))
                raise
            finally:
                writer.close()
            checkpoints.wait()
            run.mark_done({"steps": ending.steps, "best_step": best_step(run.checkpoints), "collapse": ending.collapse})
    return True


class _Silent:
    """Stands for the checkpoints, the writer and the progress of every process but the first."""

    def any(self) -> bool:
        return True

    def _do_nothing(self, *_: Any, **__: Any) -> None: ...

    save = wait = scalars = image = update = _do_nothing


def _take_part(job: _Job) -> bool:
    if processes.from_first(np.bool_(False)):
        return False
    training, silent = create_training(job.config, job.prepared, job.devices), _Silent()
    job.run(training, processes.from_first(jax.device_get(training.state)), silent, silent, silent)
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
