"""Successive halving of the cells of one program (Li et al. 2020): the worst at each rung end there.

It is asynchronous: a cell is compared with those that have come to the rung so far, and ends unless it is among the
best of them. Cells that come at the same time are compared together. Scores are of inner patients. What came to a rung
is kept in a file, so that a program that is continued decides as one that nothing interrupted.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path

from lesion_jax.config import HalvingConfig
from lesion_jax.core.periods import to_steps
from lesion_jax.disk.atomic import write_json, writing
from lesion_jax.errors import ConfigError
from lesion_jax.train.session import Job


class Halving:
    """The rungs of one program, and who came to them."""

    def __init__(self, config: HalvingConfig, jobs: Sequence[Job], cells: Sequence[int], path: Path):
        """Finds the step of each rung for each cell.

        Args:
          config: Of the sweep.
          jobs: Of the members.
          cells: Index of each member's cell.
          path: File of the scores.

        Raises:
          ConfigError: A rung that is no duration, or a cell that is never scored.
        """
        self._keep, self._cells, self._path = config.keep, list(cells), path
        self._rungs: list[list[int]] = []
        for job in jobs:
            periods = job.periods
            if not periods.evaluate or not len(job.prepared.inner):
                raise ConfigError(
                    "halving compares scores on inner patients: it needs loop.evaluate_every above 0 and "
                    "data.hold_out_inner."
                )
            steps = (
                to_steps(
                    text,
                    field="halving.rungs",
                    steps_per_epoch=job.prepared.schedule.steps_per_epoch,
                    total_steps=periods.total,
                )
                for text in config.rungs
            )
            self._rungs.append([-(-step // periods.evaluate) * periods.evaluate for step in steps])
        try:
            # By rung: cell -> score.
            self._came: list[dict[str, float]] = json.loads(path.read_text())["rungs"]
        except FileNotFoundError:
            self._came = [{} for _ in config.rungs]

    def __call__(self, scored: list[tuple[int, int, float]]) -> dict[int, str]:
        """See `train.population.Judge`."""
        now = [
            (self._rungs[position].index(done), position, score)
            for position, done, score in scored
            if done in self._rungs[position]
        ]
        if not now:
            return {}
        for rung, position, score in now:
            self._came[rung][str(self._cells[position])] = score
        # Before anybody ends by it.
        with writing(self._path):
            write_json(self._path, {"rungs": self._came})
        ended = {}
        for rung, position, score in now:
            came = self._came[rung]
            best = sorted(came.values(), reverse=True)[: math.ceil(self._keep * len(came))]
            if score < best[-1]:
                ended[position] = f"halving at rung {rung + 1}: score {score:.6g}, {best[-1]:.6g} was needed"
        return ended
