"""One training as a run directory: started, continued or found finished by the same call."""

from pathlib import Path

import jax
import numpy as np

from lesion_jax.config import TrainingConfig, to_dict
from lesion_jax.data.cohort import Cohort
from lesion_jax.errors import ConfigError, LesionJaxError, RunError
from lesion_jax.families import family_of
from lesion_jax.io.progress import Progress
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.runtime import parallel, processes
from lesion_jax.runtime.jax_settings import settled
from lesion_jax.train.executor import DataParallelExecutor
from lesion_jax.train.fit import fit
from lesion_jax.train.loop import run_loop
from lesion_jax.train.memory import require_fit
from lesion_jax.train.periods import Periods
from lesion_jax.train.recorder import Recorder
from lesion_jax.train.train_group import run_population
from lesion_jax.train.training import Training, require_dataset, settle

# What the first process tells the others of the run directory.
_GO, _DONE, _REFUSED = range(3)
# Share of a device's memory that images may take.
_IMAGES_SHARE = 0.25


@settled()
def train(
    config: TrainingConfig,
    workdir: Path | str,
    *,
    cohort: Cohort | None = None,
    cache_dir: Path | None = None,
    label: str = "",
) -> bool:
    """Trains until the config's duration; a finished run returns at once, an interrupted one carries on.

    Where a run has several processes (`runtime.processes`), each calls this with the same arguments, and the first one
    writes.

    Args:
      config: Resolved config.
      workdir: Directory of the run; made if absent.
      cohort: Already loaded content of `config.data.dataset`; None loads it.
      cache_dir: Folder of augmented images, kept between runs.
      label: Name of the run in progress lines.

    Returns:
      Whether anything was left to do.

    Raises:
      LesionJaxError: Bad settings or data, before anything is written; divergence, with
        FAILED and its reason in the run directory.
      Preempted: The process was asked to end; the step in flight has been taken and saved.
    """
    # Before JAX starts its backend, which takes a while.
    require_dataset(config)
    workdir = Path(workdir)
    is_fitted = family_of(config).fit is not None
    if is_fitted and processes.count() > 1:
        raise ConfigError(
            f"kind is {config.kind!r}, which learns at once, on one process; start it without the others."
        )
    if not is_fitted:
        # The durations' form; what they are in steps, the images tell.
        Periods.of(config.loop, 1)
    devices = parallel.choose_devices(1 if is_fitted else config.num_devices, config.data.batch_size)
    cohort = cohort or Cohort.load(Path(config.data.dataset))
    # What needs no images is refused before they are made; of several processes the others would wait for the first.
    if processes.count() == 1:
        resolved, free = settle(config, cohort, len(devices))
        RunDirectory(workdir).check_config(to_dict(resolved), free)
    if processes.is_first():
        Progress(0, label or config.kind).say("prepares its images")
    if len(devices) == 1:
        require_fit(config, cohort, devices[0])
    training = Training.prepare(config, cohort, num_devices=len(devices), cache_dir=cache_dir)
    if not processes.agree(training.identity):
        raise ConfigError("The processes of this run were given different configs or data; start them all alike.")
    is_streamed = _is_streamed(training)
    try:
        recorder = Recorder.open(training, workdir) if processes.is_first() else Recorder.silent(training)
    except LesionJaxError:
        processes.from_first(np.int32(_REFUSED))
        raise
    with recorder:
        told = processes.from_first(np.int32(_DONE if recorder.is_done else _GO))
        if told == _REFUSED:
            raise RunError("The first process has refused this run; its message says why.")
        if told == _DONE:
            return False
        progress = Progress(training.periods.total, label or config.kind) if processes.is_first() else _Silent()
        if is_fitted:
            fit(recorder)
            progress.update(1)
            return True
        progress.say("compiles its step")
        if len(devices) == 1 and not is_streamed:
            failed = run_population([recorder], devices, progress)
        else:
            executor = DataParallelExecutor(training, devices, is_streamed=is_streamed)
            failed = run_loop([recorder], executor, progress)
        for error in failed.values():
            raise error
    processes.meet()
    return True


def _is_streamed(training: Training) -> bool:
    """Whether tf.data streams the batches; otherwise the images lie on every device that trains."""
    feed = training.config.data.feed
    fits = training.images.images.pixels.nbytes <= parallel.memory_bytes(jax.local_devices()[0]) * _IMAGES_SHARE
    is_resident = feed == "resident" or (feed == "auto" and fits)
    # Hosts may have different memory: all of them hold the images, or none does.
    return not (processes.agree(str(is_resident)) and is_resident)


class _Silent(Progress):
    """Stands for the progress of every process but the first."""

    def __init__(self):
        super().__init__(0, "")

    def update(self, done: int, note: str = "") -> None:
        """Shows nothing."""
        del done, note

    def say(self, text: str) -> None:
        """Says nothing."""
        del text
