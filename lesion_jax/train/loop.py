"""The loop around a step: log, score, save; the host is never ahead of the device by more than one step."""

import dataclasses
import logging
import math
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from lesion_jax.config import LoopConfig
from lesion_jax.core import parallel, preemption, processes
from lesion_jax.core.periods import to_steps
from lesion_jax.errors import ConfigError, DivergedError, Preempted
from lesion_jax.io.checkpoints import Checkpoints
from lesion_jax.io.progress import Progress
from lesion_jax.io.writers import MetricsWriter


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


@dataclasses.dataclass(frozen=True)
class Ending:
    """How a training ended.

    Attributes:
      steps: Taken.
      collapse: The first collapse that was found, in a sentence; None where there was none.
    """

    steps: int
    collapse: str | None = None


def run_loop(
    step: Callable,
    state: Any,
    key: jax.Array,
    batches: Iterator[Any],
    *,
    start: int,
    collapse: str | None,
    devices: list[parallel.Device],
    periods: Periods,
    hooks: Hooks,
    checkpoints: Checkpoints,
    writer: MetricsWriter,
    progress: Progress,
) -> Ending:
    """Trains from step `start` to `periods.total`.

    Args:
      step: From `parallel.over_devices`; donates its state.
      state: Replicated; what the caller holds is consumed.
      key: Root of the run's random streams.
      batches: One sharded batch for each step that is left, on the devices.
      start: Steps taken before.
      collapse: The first collapse found before; None where there was none.
      devices: Of the run.
      periods: When what happens.
      hooks: Scores and pictures.
      checkpoints: Where the state goes.
      writer: Where metrics and pictures go.
      progress: Told of every step.

    Raises:
      DivergedError: A metric is not finite, or replicas hold different bits; the message names the step. No
        checkpoint is written at or after that step.
      Preempted: The process was asked to end; the step in flight has been taken and saved.
    """
    pending: tuple[int, Any] | None = None

    def settle() -> None:
        # Metrics are read one step late: the device is already busy with the next step.
        nonlocal pending
        if pending is None:
            return
        done, metrics = pending
        pending = None
        values = {name: float(value) for name, value in jax.device_get(metrics).items()}
        bad = [name for name, value in values.items() if not math.isfinite(value)]
        if bad:
            raise DivergedError(
                f"Step {done}: {bad[0]} is {values[bad[0]]}; start again in another workdir with a lower learning rate."
            )
        if periods.due(periods.log, done):
            writer.scalars(done, {f"train/{name}": value for name, value in values.items()})
        losses = [f"{name.removeprefix('loss/')} {value:.3f}" for name, value in values.items() if "loss/" in name]
        progress.update(done, "loss " + ", ".join(losses))

    with preemption.deferred():
        for done in range(start + 1, periods.total + 1):
            state, metrics = step(state, next(batches), key)
            settle()
            pending = (done, metrics)
            evaluate = periods.due(periods.evaluate, done)
            save = evaluate or periods.due(periods.checkpoint, done) or done == periods.total
            stopping = preemption.requested(done) and done < periods.total
            if not (save or stopping or periods.due(periods.pictures, done)):
                continue
            settle()
            _check_replicas(state, devices, done)
            local = parallel.first_replica(state)
            _check_finite(local, done)
            found = Evaluation(None, {})
            if evaluate:
                found = hooks.evaluate(local)
                writer.scalars(done, found.scalars)
            if periods.due(periods.pictures, done):
                for name, picture in hooks.pictures(local).items():
                    writer.image(done, name, picture)
            if found.collapse:
                collapse = collapse or found.collapse
                logging.getLogger(__name__).warning(found.collapse)
            if save or stopping:
                checkpoints.save(
                    done,
                    local,
                    # A collapsed GAN must not be the best, however it scores.
                    score=None if found.collapse else found.score,
                    scheduled=save,
                    is_healthy=found.collapse is None if evaluate else None,
                    collapse=collapse,
                )
            if found.collapse and hooks.stops_on_collapse:
                checkpoints.return_to_healthy()
                return Ending(done, collapse)
            if stopping:
                checkpoints.wait()
                # A process that leaves tears the others down after a while: not before the first has saved.
                processes.meet()
                raise Preempted(preemption.describe())
    settle()
    return Ending(periods.total, collapse)


def _check_replicas(state: Any, devices: list[parallel.Device], done: int) -> None:
    # A step that forgets to average leaves a state that calls itself replicated and is not.
    if len(set(parallel.replica_checksums(state, devices).tolist())) > 1:
        raise DivergedError(
            f"Step {done}: the {len(devices)} devices hold different weights; this is a defect of lesion_jax or of a "
            "device: run on one device, and report it."
        )


def _check_finite(state: Any, done: int) -> None:
    # A loss says nothing about the update that followed it: a checkpoint must not hold what would only show next.
    if not _all_finite(state):
        raise DivergedError(
            f"Step {done}: the weights are no longer finite; start again in another workdir with a lower learning rate."
        )


@jax.jit
def _all_finite(state: Any) -> jax.Array:
    return jnp.all(jnp.stack([jnp.isfinite(leaf).all() for leaf in jax.tree.leaves(state)]))
