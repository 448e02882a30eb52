"""When something happens in a training: the durations of its config in steps."""

import dataclasses

from lesion_jax.config import LoopConfig
from lesion_jax.core.periods import to_steps
from lesion_jax.errors import ConfigError


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
          steps_per_epoch: Steps of an epoch of the training.
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

    def due_among(self, period: int, first: int, last: int) -> list[int]:
        """The steps from `first` to `last` at which something is due, as in `due`."""
        if not period:
            return []
        steps = list(range(-(-first // period) * period, last + 1, period))
        if first <= self.total <= last and self.total % period:
            steps.append(self.total)
        return steps

    def next_visit(self, done: int) -> int:
        """The first step after `done` at which the state is scored, shown or saved."""
        periods = (self.evaluate, self.checkpoint, self.pictures)
        return min([self.total, *((done // period + 1) * period for period in periods if period)])
