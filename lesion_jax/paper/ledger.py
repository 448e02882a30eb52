"""Runs the protocol's trainings one after another and says how far it is."""

import collections
import sys
import time

from lesion_jax.config import ClassifierConfig, GanConfig
from lesion_jax.core import preemption
from lesion_jax.paper.trainings import Trainings
from lesion_jax.train.prepare import Study
from lesion_jax.train.run import train


class Ledger:
    """Trains what is not finished, once, and prints an ETA from the mean time of each kind."""

    def __init__(self, trainings: Trainings, study: Study):
        """Counts what there is to do.

        Args:
          trainings: Of the protocol.
          study: The loaded dataset.
        """
        self._trainings = trainings
        self._study = study
        self._left = collections.Counter(trainings.counts())
        self._total = self._left.total()
        self._seconds: dict[str, list[float]] = collections.defaultdict(list)

    def train(self, name: str, config: ClassifierConfig | GanConfig) -> None:
        """Trains one run below the workdir, or finds it finished."""
        number = self._total - self._left.total() + 1
        start = time.monotonic()
        fresh = train(
            config,
            self._trainings.run(name),
            study=self._study,
            cache_dir=self._trainings.workdir / "cache",
            label=f"[{number}/{self._total}] {name}",
        )
        preemption.end_if_asked()
        self._left[config.kind] -= 1
        if fresh:
            self._seconds[config.kind].append(time.monotonic() - start)
        self._tell(name, time.monotonic() - start, fresh)

    def _tell(self, name: str, seconds: float, fresh: bool) -> None:
        # A kind that has not been timed yet is not in the estimate; the line says "at least".
        means = {kind: sum(times) / len(times) for kind, times in self._seconds.items()}
        left = sum(means.get(kind, 0.0) * count for kind, count in self._left.items())
        partial = any(count and kind not in means for kind, count in self._left.items())
        did = f"{seconds:.0f} s" if fresh else "was finished"
        number = self._total - self._left.total()
        about = "at least" if partial else "about"
        print(f"[{number}/{self._total}] {name}: {did}; {about} {left / 60:.0f} min left", file=sys.stderr, flush=True)
