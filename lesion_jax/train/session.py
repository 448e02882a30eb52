"""A training and its run directory: checked, opened, restored, and closed as done or failed."""

import dataclasses
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax

from lesion_jax.config import ClassifierConfig, GanConfig, to_dict
from lesion_jax.data.study import Prepared, Study, prepare
from lesion_jax.errors import ConfigError, DivergedError, RunError
from lesion_jax.io.checkpoints import Checkpoints, best_step, last_step
from lesion_jax.io.provenance import describe_environment
from lesion_jax.io.run_directory import RunDirectory, identity_of
from lesion_jax.io.writers import MetricsWriter
from lesion_jax.train.kinds import Training
from lesion_jax.train.member import Member, Periods

# What may differ when a run is continued: its length, what is logged and saved, where its data lies now (the data
# itself is held to its fingerprints), and how it is fed. Not how often it is evaluated: that decides which checkpoint
# is the best.
FREE = frozenset(
    {
        "loop.duration",
        "loop.log_every",
        "loop.checkpoint_every",
        "loop.pictures_every",
        "data.dataset",
        "data.banks",
        "data.feed",
    }
)


@dataclasses.dataclass(frozen=True)
class Job:
    """A training that has been checked and not been started.

    Attributes:
      config: Resolved, with absolute paths.
      prepared: Its images.
      periods: Of its loop.
      free: Fields that may differ when it is continued.
    """

    config: ClassifierConfig | GanConfig
    prepared: Prepared
    periods: Periods
    free: frozenset[str]

    @classmethod
    def of(
        cls,
        config: ClassifierConfig | GanConfig,
        study: Study | None,
        *,
        num_devices: int,
        cache_dir: Path | None,
        like: "Job | None" = None,
    ) -> "Job":
        """Checks a config and prepares its images; nothing is written but the cache.

        Args:
          config: Checked by itself.
          study: Content of `config.data.dataset`; None loads it.
          num_devices: That share each batch.
          cache_dir: Where augmented images are kept between runs.
          like: A job of equal kind and data, whose images this one shares.

        Raises:
          LesionJaxError: Bad settings or data.
        """
        require_dataset(config)
        config = _with_absolute_paths(config)
        if like:
            schedule = dataclasses.replace(like.prepared.schedule, seed=config.seed)
            prepared = dataclasses.replace(like.prepared, schedule=schedule)
        else:
            prepared = prepare(config, study or Study.load(Path(config.data.dataset)), cache_dir=cache_dir)
        prepared.schedule.check_devices(num_devices)
        free = FREE
        if isinstance(config, GanConfig) and config.batch_norm == "replica":
            # Their number is then part of the run.
            config = dataclasses.replace(config, num_devices=num_devices)
        else:
            free |= {"num_devices"}
        return cls(config, prepared, Periods.of(config.loop, prepared.schedule.steps_per_epoch), free)

    @property
    def identity(self) -> str:
        """Of the whole config and the data: processes that train together have the same."""
        return identity_of(to_dict(self.config), self.prepared.provenance, frozenset())


class Session:
    """A run directory under training; a context manager, which notes a divergence and gives everything back."""

    def __init__(self, run: RunDirectory, job: Job):
        """See `open`."""
        self.run = run
        self._job = job
        self._held = ExitStack()
        self._held.enter_context(run)

    @classmethod
    def open(cls, job: Job, workdir: Path) -> "Session":
        """Makes or continues a run directory and locks it; a finished one is only looked at, see `is_done`.

        Raises:
          RunError: See `RunDirectory.open`; or it has been trained for longer already.
        """
        _check_not_shorter(workdir, job.periods.total)
        facts = {**job.prepared.provenance, "environment": describe_environment()}
        run = RunDirectory.open(
            workdir,
            config=to_dict(job.config),
            provenance=facts,
            free=job.free,
            reopening=frozenset({"loop.duration"}),
        )
        return cls(run, job)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.run.is_done

    def start(self, training: Training) -> tuple[Any, Member]:
        """Restores the newest checkpoint, if any.

        Args:
          training: With its initial state.

        Returns:
          (state, on the host or the default device; what is written from now on).
        """
        self._checkpoints = Checkpoints(self.run.checkpoints, run=self.run.identity)
        self._held.enter_context(self._checkpoints)
        restored = self._checkpoints.restore_last(training.state)
        note, state = restored or (None, jax.device_get(training.state))
        writer = MetricsWriter(self.run, start=int(state.step))
        self._held.callback(writer.close)
        member = Member(self._job.periods, training.hooks, self._checkpoints, writer, collapse=note and note.collapse)
        member.score = note and note.score
        return state, member

    def finish(self, steps: int, collapse: str | None, *, stopped: str | None = None) -> None:
        """Waits for the last checkpoint and declares the run done.

        Args:
          steps: Taken.
          collapse: See `Member`.
          stopped: Why it ends before its duration; None where it does not, or by the collapse.
        """
        self._checkpoints.wait()
        facts = {"steps": steps, "best_step": best_step(self.run.checkpoints), "collapse": collapse}
        if steps < self._job.periods.total:
            facts["stopped"] = stopped or collapse
        self.run.mark_done(facts)

    def fail(self, error: DivergedError) -> None:
        """Notes why the run ended early."""
        self.run.mark_failed(str(error))

    def close(self) -> None:
        """Closes all files and lets others write."""
        self._held.close()

    def __enter__(self) -> "Session":
        """Returns itself."""
        return self

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        """Notes a divergence, closes all files and lets others write."""
        try:
            if isinstance(error, DivergedError):
                self.fail(error)
        finally:
            self.close()


def require_dataset(config: ClassifierConfig | GanConfig) -> None:
    """Refuses a config that names no dataset with a ConfigError."""
    if not config.data.dataset:
        raise ConfigError("data.dataset is empty; name a directory written by `lesion-jax build`.")


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
