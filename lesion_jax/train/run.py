"""One training as a run directory: started, continued or found finished by the same call."""

import dataclasses
from pathlib import Path

from lesion_jax.config import ClassifierConfig, GanConfig, to_dict
from lesion_jax.core import keys, parallel
from lesion_jax.data.feed import prefetch_to_devices
from lesion_jax.errors import ConfigError, DivergedError, RunError
from lesion_jax.io.checkpoint import Checkpoints, last_step
from lesion_jax.io.progress import Progress
from lesion_jax.io.provenance import describe_environment
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.io.writers import MetricsWriter
from lesion_jax.train.kinds import create_training
from lesion_jax.train.loop import Periods, run_loop
from lesion_jax.train.prepare import Study, prepare

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
    """
    if not config.data.dataset:
        raise ConfigError("data.dataset is empty; name a directory written by `lesion-jax build`.")
    config = _with_absolute_paths(config)
    devices = parallel.choose_devices(config.num_devices, config.data.batch_size)
    study = study or Study.load(Path(config.data.dataset))
    prepared = prepare(config, study, cache_dir=cache_dir)
    prepared.schedule.check_devices(len(devices))
    periods = Periods.of(config.loop, prepared.schedule.steps_per_epoch)
    provenance = {**prepared.provenance, "environment": describe_environment()}
    _check_not_shorter(workdir, periods.total)
    run = RunDirectory.open(workdir, config=to_dict(config), provenance=provenance, free=_FREE)
    if run.is_done:
        return False
    # Imports TensorFlow, which a caller that brings its own study has not needed until here.
    from lesion_jax.data.pipeline import make_batches

    training = create_training(config, prepared, devices)
    with Checkpoints(run.checkpoints) as checkpoints:
        state = training.state
        if (last := checkpoints.last_step) is not None:
            state = checkpoints.restore(last, state)
        start = int(state.step)
        writer = MetricsWriter(run, start=start)
        batches = make_batches(prepared.images, prepared.schedule, start=start, stop=periods.total)
        try:
            run_loop(
                training.step,
                parallel.replicate(state, devices),
                keys.stream(config.seed, config.kind),
                prefetch_to_devices(batches, devices),
                periods=periods,
                hooks=training.hooks,
                checkpoints=checkpoints,
                writer=writer,
                progress=Progress(periods.total, label or config.kind),
            )
        except DivergedError as error:
            run.mark_failed(str(error))
            raise
        finally:
            writer.close()
        checkpoints.wait()
        run.mark_done({"steps": periods.total, "best_step": checkpoints.best_step})
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
