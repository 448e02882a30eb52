"""Trains the protocol's trainings, stage by stage in as few programs as they need, and says how far it is."""

import collections
import sys
import time
from collections.abc import Sequence

from lesion_jax.data.study import Study
from lesion_jax.errors import DivergedError
from lesion_jax.paper import stages
from lesion_jax.paper.layout import Named, Trainings
from lesion_jax.runtime import parallel, preemption
from lesion_jax.train.groups import cut_programs
from lesion_jax.train.train_groups import train_cut


class Ledger:
    """Trains what is not finished, once, and prints an ETA from the mean time of each kind."""

    def __init__(self, trainings: Trainings, study: Study):
        """Counts what there is to do.

        Args:
          trainings: Trainings of the protocol.
          study: The loaded dataset.
        """
        self._trainings = trainings
        self._study = study
        self._left = stages.counts(trainings)
        self._total = self._left.total()
        self._seconds: dict[str, list[float]] = collections.defaultdict(list)
        self._trained: set[str] = set()

    def train(self, stage: str, named: Sequence[Named]) -> None:
        """Trains runs below the workdir, or finds them finished.

        Args:
          stage: What they are, for the progress lines.
          named: Each training of the stage; of equal names one is trained.

        Raises:
          DivergedError: Some diverged; the others of their program have been trained to the end.
        """
        new = [(name, config) for name, config in stages.unique(named) if name not in self._trained]
        if not new:
            return
        devices = parallel.choose_local_devices(new[0][1].num_devices)
        cuts = cut_programs(
            [config for _, config in new],
            self._study,
            num_devices=len(devices),
            device_memory=parallel.memory_bytes(devices[0]) / 2**30,
        )
        for cut in cuts:
            some = [new[member] for member in cut.members]
            first = self._total - self._left.total() + 1
            label = f"[{first}-{first + len(some) - 1}/{self._total}] {stage}"
            start = time.monotonic()
            fresh, failed = train_cut(
                [(config, self._trainings.run(name)) for name, config in some],
                self._study,
                devices=devices,
                places_per_device=cut.places_per_device,
                packing=None,
                packings=self._trainings.workdir / "packings",
                cache_dir=self._trainings.workdir / "cache",
                label=label,
            )
            preemption.end_if_asked()
            if failed:
                texts = [f"{path.relative_to(self._trainings.workdir)}: {error}" for path, error in failed.items()]
                raise DivergedError(f"{len(failed)} of {len(some)} trainings diverged; {texts[0]}")
            self._note(label, some, time.monotonic() - start, fresh)

    def _note(self, label: str, some: Sequence[Named], seconds: float, fresh: int) -> None:
        kind = some[0][1].kind
        self._trained |= {name for name, _ in some}
        self._left[kind] -= len(some)
        if fresh:
            self._seconds[kind].append(seconds / fresh)
        # A kind that has not been timed yet is not in the estimate; the line says "at least".
        means = {name: sum(times) / len(times) for name, times in self._seconds.items()}
        left = sum(means.get(name, 0.0) * count for name, count in self._left.items())
        partial = any(count and name not in means for name, count in self._left.items())
        about = "at least" if partial else "about"
        did = f"{seconds:.0f} s" if fresh else "was finished"
        print(f"{label}: {did}; {about} {left / 60:.0f} min left", file=sys.stderr, flush=True)
