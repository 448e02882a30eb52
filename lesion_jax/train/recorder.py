"""What is kept of one training while it goes on: its run directory with metrics, scores, pictures and checkpoints."""

import logging
import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.config import to_dict
from lesion_jax.core.state import TrainState
from lesion_jax.errors import DivergedError, RunError
from lesion_jax.io.checkpoints import Checkpoints
from lesion_jax.io.provenance import describe_environment
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.io.saved_checkpoints import best_step, last_step
from lesion_jax.io.writers import MetricsWriter
from lesion_jax.metrics.collapse import MIN_STEPS
from lesion_jax.train.evaluation import Evaluation, arrays_of, evaluate, pictures
from lesion_jax.train.training import Training

_AGAIN = "start again in another workdir with a lower learning rate."


class Recorder:
    """The run directory of one training under way; a context manager, which notes a divergence and closes everything.

    Attributes:
      training: The training that is recorded.
      collapse: The first collapse that was found, in a sentence; None where there was none.
      score: The last score, also of the checkpoint that was restored; None where there was none, or a collapse.
    """

    def __init__(self, training: Training, run: RunDirectory | None):
        """Takes what `open` or `silent` gives: a run directory, or None to write nothing."""
        self.training = training
        self.run = run
        self.collapse: str | None = None
        self.score: float | None = None
        self._checkpoints: Any = _Silent()
        self._writer: Any = _Silent()
        self._held = ExitStack()
        if run:
            self._held.enter_context(run)

    @classmethod
    def open(cls, training: Training, workdir: Path) -> "Recorder":
        """Makes or continues a run directory and locks it; a finished one is only looked at, see `is_done`.

        Raises:
          RunError: The directory is another run's or cannot be written, or the run has been trained for longer already.
        """
        _check_not_shorter(workdir, training.periods.total)
        facts = {**training.images.provenance, "environment": describe_environment()}
        run = RunDirectory.open(
            workdir,
            config=to_dict(training.config),
            provenance=facts,
            free=training.free,
            reopening=frozenset({"loop.duration"}),
        )
        return cls(training, run)

    @classmethod
    def silent(cls, training: Training) -> "Recorder":
        """Stands for the recorder in every process of a run but the first: it decides alike and writes nothing."""
        return cls(training, None)

    @property
    def is_done(self) -> bool:
        """Whether nothing is left to do."""
        return self.run is not None and self.run.is_done

    def start(self) -> TrainState:
        """Restores the newest checkpoint, if any; from now on there are files to write to.

        Returns:
          The state to go on from, on the host.
        """
        initial = self.training.initial_state()
        if self.run is None:
            return jax.device_get(initial)
        note, state = self.open_checkpoints().restore_last(initial) or (None, jax.device_get(initial))
        if note:
            # What was called collapsed only because it ended so early is trained on here.
            counts = note.step >= MIN_STEPS or note.step == self.training.periods.total
            self.collapse, self.score = note.collapse if counts else None, note.score
        self.open_writer(int(state.step))
        return state

    def open_checkpoints(self) -> Checkpoints:
        """The checkpoints of the run, open for writing until `close`."""
        assert self.run is not None
        self._checkpoints = Checkpoints(self.run.checkpoints, run=self.run.identity)
        return self._held.enter_context(self._checkpoints)

    def open_writer(self, start: int) -> None:
        """Opens metrics.jsonl and TensorBoard's file, to be written from step `start` on until `close`."""
        assert self.run is not None
        self._writer = MetricsWriter(self.run, start=start)
        self._held.callback(self._writer.close)

    def log(self, first: int, values: dict[str, np.ndarray]) -> str:
        """Takes the metrics of consecutive steps.

        Args:
          first: Number of the first of them, counted as steps taken.
          values: float32 [S] by name.

        Returns:
          The losses of the last one, in a few words.

        Raises:
          DivergedError: One is not finite; the message names the first such step.
        """
        is_finite = np.isfinite(np.stack(list(values.values())))
        if not is_finite.all():
            at = int(np.argmin(is_finite.all(0)))
            name = next(name for name, column in values.items() if not math.isfinite(column[at]))
            self._log_due(first, {key: column[:at] for key, column in values.items()})
            raise DivergedError(f"Step {first + at}: {name} is {values[name][at]}; {_AGAIN}")
        self._log_due(first, values)
        losses = [f"{name.removeprefix('loss/')} {x[-1]:.3f}" for name, x in values.items() if "loss/" in name]
        return "loss " + ", ".join(losses)

    def _log_due(self, first: int, values: dict[str, np.ndarray]) -> None:
        periods, count = self.training.periods, len(next(iter(values.values())))
        for step in periods.due_among(periods.log, first, first + count - 1):
            scalars = {f"train/{name}": float(column[step - first]) for name, column in values.items()}
            self._writer.scalars(step, scalars)

    def visit(self, done: int, state: Any, *, stopping: bool = False) -> bool:
        """Scores, shows and saves what is due at a step.

        Args:
          done: Steps taken.
          state: State after them: a TrainState or nested dicts of arrays, on one device or the host.
          stopping: Whether the process has been asked to end, so that it is saved in any case.

        Returns:
          Whether the training ends here because it has collapsed.

        Raises:
          DivergedError: The state or its score is not finite; it is not saved.
        """
        config, images, periods = self.training.config, self.training.images, self.training.periods
        is_scored, is_shown = periods.due(periods.evaluate, done), periods.due(periods.pictures, done)
        save = is_scored or periods.due(periods.checkpoint, done) or done == periods.total
        # A loss says nothing about the update that followed it: a checkpoint must not hold what would only show next.
        if not _all_finite(state):
            raise DivergedError(f"Step {done}: the weights are no longer finite; {_AGAIN}")
        arrays, found, is_collapsed = arrays_of(state), Evaluation(None, {}), False
        if is_scored:
            found = evaluate(config, images, arrays, done)
            if found.score is not None and not math.isfinite(found.score):
                # Weights may be finite and what they compute not.
                raise DivergedError(f"Step {done}: the score is {found.score}; {_AGAIN}")
            is_collapsed = found.collapse is not None and done >= MIN_STEPS
            # A collapsed generator must not be the best, however it scores.
            self.score = None if is_collapsed else found.score
            self._writer.scalars(done, found.scalars)
        if is_shown:
            for name, picture in pictures(config, images, arrays).items():
                self._writer.image(done, name, picture)
        # Of a short training it is said at its end, for whoever would draw from it; nothing else follows.
        if is_collapsed or (found.collapse and done == periods.total):
            self.collapse = self.collapse or found.collapse
            where = f"{self.run.path}: " if self.run else ""
            logging.getLogger(__name__).warning("%s%s", where, found.collapse)
        if save or stopping:
            # A checkpoint says that everything up to its step is written.
            self._writer.wait()
            self._checkpoints.save(
                done,
                state,
                score=self.score if is_scored else None,
                scheduled=save,
                is_healthy=not is_collapsed if is_scored else None,
                collapse=self.collapse,
            )
        if is_collapsed and config.stops_on_collapse:
            self._checkpoints.return_to_healthy()
            return True
        return False

    def wait(self) -> None:
        """Returns when everything that was saved is on the disk."""
        self._writer.wait()
        self._checkpoints.wait()

    def finish(self, steps: int, *, stopped: str | None = None) -> None:
        """Waits for the last checkpoint and declares the run done.

        Args:
          steps: Steps taken.
          stopped: Why it ends before its duration; None where it does not, or by a collapse.
        """
        self.wait()
        if self.run is None:
            return
        facts = {"steps": steps, "best_step": best_step(self.run.checkpoints), "collapse": self.collapse}
        if steps < self.training.periods.total:
            facts["stopped"] = stopped or self.collapse
        self.run.mark_done(facts)

    def fail(self, error: DivergedError) -> None:
        """Notes why the run ended early."""
        if self.run:
            self.run.mark_failed(str(error))

    def close(self) -> None:
        """Closes all files and lets others write."""
        self._held.close()

    def __enter__(self) -> "Recorder":
        """Returns itself."""
        return self

    def __exit__(self, _: Any, error: BaseException | None, __: Any) -> None:
        """Notes a divergence, closes all files and lets others write."""
        try:
            if isinstance(error, DivergedError):
                self.fail(error)
        finally:
            self.close()


class _Silent:
    """Stands for checkpoints and writer where nothing is written."""

    def _do_nothing(self, *_: Any, **__: Any) -> None: ...

    save = wait = return_to_healthy = scalars = image = _do_nothing


def _check_not_shorter(workdir: Path, total: int) -> None:
    # Before the run directory is opened for writing: a refused change must leave it as it is.
    done = last_step(workdir / "checkpoints")
    if done is not None and done > total:
        raise RunError(
            f"{workdir} has been trained for {done} steps, but loop.duration means {total}; a run can be made longer, "
            "never shorter."
        )


@jax.jit
def _all_finite(state: Any) -> jax.Array:
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state)]))
