"""Successive halving of the cells of one program (Li et al. 2020): the worst at each rung end there.

It is asynchronous: a cell is compared with those that have come to the rung so far, and ends unless it is among the
best of them. Cells that come at the same time are compared together. Scores are of inner patients. What came to a rung
is kept in a file, so that a program that is continued decides as one that nothing interrupted.
"""

import itertools
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lesion_jax.config import TrainingConfig
from lesion_jax.core.periods import to_steps
from lesion_jax.disk.atomic import write_json, writing
from lesion_jax.errors import ConfigError, RunError
from lesion_jax.sweep.config import HalvingConfig
from lesion_jax.train.training import periods_of


def rung_steps(config: HalvingConfig, training: TrainingConfig, steps_per_epoch: int) -> list[int]:
    """The step of each rung of a training: its first evaluation at or after the rung's duration.

    Raises:
      ConfigError: A rung that is no duration, rungs that do not rise or at which nothing is left to save, or a training
        that is never scored.
    """
    periods = periods_of(training, steps_per_epoch)
    if not periods.evaluate or not training.data.hold_out_inner:
        raise ConfigError(
            "halving compares scores on inner patients: it needs loop.evaluate_every above 0 and data.hold_out_inner."
        )
    steps = (
        to_steps(text, field="halving.rungs", steps_per_epoch=steps_per_epoch, total_steps=periods.total)
        for text in config.rungs
    )
    rungs = [-(-step // periods.evaluate) * periods.evaluate for step in steps]
    if any(not low < high for low, high in itertools.pairwise([0, *rungs, periods.total])):
        raise ConfigError(
            f"halving.rungs are {config.rungs}, evaluations after {rungs} of {periods.total} steps; they must rise, "
            "from above 0 to below the end (see loop.evaluate_every)."
        )
    return rungs


class Halving:
    """A stop rule: the rungs of one program, and the cells that came to them."""

    def __init__(self, keep: float, rungs: Sequence[Sequence[int]], cells: Sequence[int], path: Path):
        """Reads which cells came before.

        Args:
          keep: Share of the cells at a rung that goes on.
          rungs: Steps of the rungs of each training, from `rung_steps`.
          cells: Index of each training's cell.
          path: File of the scores and of what they decided.

        Raises:
          RunError: The file is not what was written.
        """
        self._keep, self._rungs, self._cells, self._path = keep, rungs, cells, path
        try:
            # By rung: cell -> [score, or None of one that has collapsed; why it ended there, or None].
            self._came: list[dict[str, list[Any]]] = json.loads(path.read_text())["rungs"]
        except FileNotFoundError:
            self._came = [{} for _ in rungs[0]]
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"{path} cannot be read ({error}); bring it back from a copy, or start again.") from error

    def __call__(self, scored: list[tuple[int, int, float]]) -> dict[int, str]:
        """See `train.loop.StopRule`; what was decided once stays."""
        now = [
            (position, str(self._cells[position]), self._came[self._rungs[position].index(done)], score)
            for position, done, score in scored
            if done in self._rungs[position]
        ]
        new = [(cell, came, score) for _, cell, came, score in now if cell not in came]
        for cell, came, score in new:
            came[cell] = [score if math.isfinite(score) else None, None]
        for cell, came, score in new:
            others = sorted((-math.inf if other is None else other for other, _ in came.values()), reverse=True)
            needed = others[math.ceil(self._keep * len(came)) - 1]
            if score < needed:
                what = f"score {score:.6g}" if math.isfinite(score) else "collapsed"
                came[cell][1] = f"halving: {what}, score {needed:.6g} was needed"
        if new:
            # Written before any training ends by it.
            with writing(self._path):
                write_json(self._path, {"rungs": self._came})
        return {position: came[cell][1] for position, cell, came, _ in now if came[cell][1]}
