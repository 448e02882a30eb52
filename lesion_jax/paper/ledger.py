"""Trains many trainings of one dataset, stage by stage in as few programs as they need, and says how far it is."""

import collections
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from lesion_jax.config import TrainingConfig
from lesion_jax.data.cohort import Cohort
from lesion_jax.errors import DivergedError
from lesion_jax.runtime import parallel, preemption
from lesion_jax.train.groups import make_groups
from lesion_jax.train.train_group import train_group

# (name, config) of a training; the name is its directory below runs/.
Named = tuple[str, TrainingConfig]


class Ledger:
    """Trains what is not finished, once, and prints an ETA from the mean time of each kind."""

    def __init__(self, workdir: Path, counts: Counter[str], cohort: Cohort, *, train: Callable[..., Any] = train_group):
        """Remembers what there is to do.

        Args:
          workdir: Trainings are run directories below its runs/.
          counts: How many trainings of each kind there will be.
          cohort: The loaded dataset.
          train: As `train_group`.
        """
        self._train_group = train
        self._workdir = workdir
        self._cohort = cohort
        self._left = counts.copy()
        self._total = self._left.total()
        self._seconds: dict[str, list[float]] = collections.defaultdict(list)
        self._trained: set[str] = set()

    def train(self, stage: str, named: Sequence[Named]) -> None:
        """Trains runs below the workdir, or finds them finished.

        Args:
          stage: What they are, for the progress lines.
          named: Trainings of the stage; each that an earlier call has trained is skipped.

        Raises:
          DivergedError: Some diverged; the others of their group have been trained to the end.
        """
        new = [(name, config) for name, config in unique(named) if name not in self._trained]
        if not new:
            return
        devices = parallel.choose_local_devices(new[0][1].num_devices)
        groups = make_groups(
            [config for _, config in new],
            self._cohort,
            num_devices=len(devices),
            device_memory=parallel.memory_bytes(devices[0]) / 2**30,
        )
        for group in groups:
            some = [new[position] for position in group.trainings]
            first = self._total - self._left.total() + 1
            label = f"[{first}-{first + len(some) - 1}/{self._total}] {stage}"
            start = time.monotonic()
            fresh, failed = self._train_group(
                [(config, self._workdir / "runs" / name) for name, config in some],
                self._cohort,
                devices=devices,
                slots_per_device=group.slots_per_device,
                packing="auto",
                workdir=self._workdir,
                label=label,
            )
            preemption.end_if_asked()
            _refuse(failed, len(some), self._workdir)
            self._trained |= {name for name, _ in some}
            self._left[some[0][1].kind] -= len(some)
            if fresh:
                self._seconds[some[0][1].kind].append((time.monotonic() - start) / fresh)
            did = f"{time.monotonic() - start:.0f} s" if fresh else "was finished"
            print(f"{label}: {did}{self._left_text()}", file=sys.stderr, flush=True)

    def _left_text(self) -> str:
        if not self._seconds:
            return ""
        means = {kind: sum(times) / len(times) for kind, times in self._seconds.items()}
        seconds = sum(means.get(kind, 0.0) * count for kind, count in self._left.items())
        # A kind that has not been timed yet is not in the estimate.
        partial = any(count and kind not in means for kind, count in self._left.items())
        return f"; {'at least' if partial else 'about'} {seconds / 60:.0f} min left"


def _refuse(failed: dict[Path, DivergedError], num: int, workdir: Path) -> None:
    for path, error in failed.items():
        raise DivergedError(f"{len(failed)} of {num} trainings diverged; {path.relative_to(workdir)}: {error}")


def unique(named: Iterable[Named]) -> list[Named]:
    """The trainings, each once.

    Raises:
      ValueError: Two that differ have one name, and so one directory.
    """
    found: dict[str, TrainingConfig] = {}
    for name, config in named:
        if found.setdefault(name, config) != config:
            raise ValueError(f"Two different trainings are called {name}: {found[name]} and {config}.")
    return list(found.items())
