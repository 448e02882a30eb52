"""What is written of one training while it goes on, in whichever loop: metrics, scores, pictures, checkpoints."""

import dataclasses
import logging
import math
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp

from lesion_jax.config import LoopConfig
from lesion_jax.core.periods import to_steps
from lesion_jax.errors import ConfigError, DivergedError
from lesion_jax.io.checkpoints import Checkpoints
from lesion_jax.io.writers import MetricsWriter

_AGAIN = "start again in another workdir with a lower learning rate."


@dataclasses.dataclass(frozen=True)
class Periods:
    """`LoopConfig` in steps; 0 means never."""

    total: int
    log: int
    evaluate: int
    checkpoint: int
    pictures: int

    @classmethod
    def of(cls, loop: LoopConfig, steps_per_epoch: int, *, prefix: str = "") -> "Periods":
        """Resolves the durations of a config.

        Args:
          loop: Durations as text.
          steps_per_epoch: Of the run.
          prefix: Where `loop` stands in its config, for messages.

        Raises:
          ConfigError: One is not a duration, or the whole is no step long.
        """
        total = to_steps(loop.duration, field=f"{prefix}loop.duration", steps_per_epoch=steps_per_epoch)
        if not total:
            raise ConfigError(f"{prefix}loop.duration is {loop.duration!r}; train for one step at least.")

        def steps(name: str) -> int:
            text, field = getattr(loop, name), f"{prefix}loop.{name}"
            return to_steps(text, field=field, steps_per_epoch=steps_per_epoch, total_steps=total)

        return cls(
            total, steps("log_every"), steps("evaluate_every"), steps("checkpoint_every"), steps("pictures_every")
        )

    def due(self, period: int, step: int) -> bool:
        """Whether something that happens every `period` steps, and at the end, happens after `step`."""
        return period > 0 and (step % period == 0 or step == self.total)


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """What is found when a training is looked at.

    Attributes:
      score: Higher is better; None without inner images.
      scalars: By "split/group/name".
      collapse: One sentence where the training has collapsed.
    """

    score: float | None
    scalars: dict[str, float]
    collapse: str | None = None


@dataclasses.dataclass(frozen=True)
class Hooks:
    """What a kind of training adds to the loop.

    Attributes:
      evaluate: state, on one device -> Evaluation.
      pictures: state, on one device -> {name: uint8 image}.
      stops_on_collapse: Whether a collapse ends the training.
    """

    evaluate: Callable[[Any], Evaluation]
    pictures: Callable[[Any], dict[str, Any]]
    stops_on_collapse: bool = False


class Member:
    """One training: what is due at a step, and doing it.

    Attributes:
      periods: When what happens.
      collapse: The first collapse that was found, in a sentence; None where there was none.
      score: The last one, also of the checkpoint that was restored; None where there was none, or a collapse.
    """

    def __init__(
        self, periods: Periods, hooks: Hooks, checkpoints: Checkpoints, writer: MetricsWriter, *, collapse: str | None
    ):
        """Prepares.

        Args:
          periods: When what happens.
          hooks: Scores and pictures.
          checkpoints: Where the state goes.
          writer: Where metrics and pictures go.
          collapse: The first collapse found before.
        """
        self.periods = periods
        self.collapse = collapse
        self.score: float | None = None
        self._hooks = hooks
        self._checkpoints = checkpoints
        self._writer = writer

    def log(self, done: int, values: Mapping[str, float]) -> str:
        """Takes the metrics of a step; its losses, in a few words.

        Raises:
          DivergedError: One is not finite.
        """
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            raise DivergedError(f"Step {done}: {bad[0]} is {values[bad[0]]}; {_AGAIN}")
        if self.periods.due(self.periods.log, done):
            self._writer.scalars(done, {f"train/{name}": value for name, value in values.items()})
        losses = [f"{name.removeprefix('loss/')} {value:.3f}" for name, value in values.items() if "loss/" in name]
        return "loss " + ", ".join(losses)

    def next_visit(self, done: int) -> int:
        """The first step after `done` at which the state is looked at."""
        of = self.periods
        after = [(done // period + 1) * period for period in (of.evaluate, of.checkpoint, of.pictures) if period]
        return min(of.total, *after)

    def visit(self, done: int, state: Any, *, stopping: bool = False) -> bool:
        """Scores, shows and saves what is due at a step.

        Args:
          done: Steps taken.
          state: After them, on one device.
          stopping: Whether the process has been asked to end, so that it is saved in any case.

        Returns:
          Whether the training ends here because it has collapsed.

        Raises:
          DivergedError: The state or its score is not finite; it is not saved.
        """
        of = self.periods
        evaluate, show = of.due(of.evaluate, done), of.due(of.pictures, done)
        save = evaluate or of.due(of.checkpoint, done) or done == of.total
        # A loss says nothing about the update that followed it: a checkpoint must not hold what would only show next.
        if not _all_finite(state):
            raise DivergedError(f"Step {done}: the weights are no longer finite; {_AGAIN}")
        found = Evaluation(None, {})
        if evaluate:
            found = self._hooks.evaluate(state)
            if found.score is not None and not math.isfinite(found.score):
                # Weights may be finite and what they compute not.
                raise DivergedError(f"Step {done}: the score is {found.score}; {_AGAIN}")
            # A collapsed GAN must not be the best, however it scores.
            self.score = None if found.collapse else found.score
            self._writer.scalars(done, found.scalars)
        if show:
            for name, picture in self._hooks.pictures(state).items():
                self._writer.image(done, name, picture)
        if found.collapse:
            self.collapse = self.collapse or found.collapse
            logging.getLogger(__name__).warning(found.collapse)
        if save or stopping:
            self._checkpoints.save(
                done,
                state,
                score=self.score if evaluate else None,
                scheduled=save,
                is_healthy=found.collapse is None if evaluate else None,
                collapse=self.collapse,
            )
        if found.collapse and self._hooks.stops_on_collapse:
            self._checkpoints.return_to_healthy()
            return True
        return False

    def wait(self) -> None:
        """Returns when everything that was saved is on the disk."""
        self._checkpoints.wait()


@jax.jit
def _all_finite(state: Any) -> jax.Array:
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state)]))
