"""The directory of a sweep: whose it is, and which cell lies where.

WORKDIR/sweep.json      config, the order of its cells where it was added to, and the data it was started on
WORKDIR/cells/NNNN      run directories of single trainings; a cell keeps its number whatever is added
WORKDIR/programs        what is under way, see `Sweep.file`
"""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

from lesion_jax.config import from_mapping, to_dict
from lesion_jax.config.fields import names_where
from lesion_jax.data.cohort import Cohort
from lesion_jax.disk.atomic import replace_json, writing
from lesion_jax.disk.lock import require_unlocked
from lesion_jax.errors import RunError
from lesion_jax.families import config_kinds
from lesion_jax.io.differences import differences, plain, sentence
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.io.run_files import load_config
from lesion_jax.io.summary import state_of
from lesion_jax.sweep import adding
from lesion_jax.sweep.cells import Cell, dataset_of, expand
from lesion_jax.sweep.config import SweepConfig
from lesion_jax.train.memory import num_steps

# What tasks that start at the same time may have made already.
_OURS = frozenset({"sweep.json", "programs", "cells", "cache", "compiled", "packings"})
# Settings that divide the cells into programs. Halving compares the cells of one program: there they are part of the
# sweep.
_PLACING = frozenset({"config.num_devices", "config.device_memory"})
# Fields that say which cells there are: they may change as long as no cell is lost.
_CELLS = ("config.base.", "config.grid", "config.zip", "config.random", "config.num_random", "config.cells")


@dataclasses.dataclass(frozen=True)
class Sweep:
    """A sweep and its directory.

    Attributes:
      config: Config of the sweep.
      workdir: Directory of the sweep, absolute.
      cells: All cells, by number.
      order: Position of each cell in the config's own order, by number; () where it is that order.
    """

    config: SweepConfig
    workdir: Path
    cells: list[Cell]
    order: tuple[int, ...] = ()

    @classmethod
    def of(cls, config: SweepConfig, workdir: Path, order: tuple[int, ...] = ()) -> "Sweep":
        """Expands a config; nothing is read or written.

        Raises:
          ConfigError: A cell is impossible or repeated, or the cells are on several datasets.
        """
        cells = expand(config)
        dataset_of(cells)
        sweep = cls(config, workdir.expanduser().absolute(), cells)
        return sweep._in_order(order) if order else sweep

    @functools.cached_property
    def varied(self) -> list[str]:
        """Every field that some cell varies: cells of a list may vary different ones."""
        return list(dict.fromkeys(name for cell in self.cells for name in cell.changes))

    def directory(self, cell: int) -> Path:
        """Run directory of a cell."""
        return self.workdir / "cells" / f"{cell:04d}"

    def file(self, program: int, kind: str) -> Path:
        """A file of a program under way.

        Args:
          program: Number of the program.
          kind: "lock", who trains it; "json", how far it is; "cells", its run directories, a line each, which
            launch/slurm.sh reads; "rungs.json", which cells came to its rungs.
        """
        return self.workdir / "programs" / f"{program:04d}.{kind}"

    def state_of(self, cell: int) -> tuple[str, dict[str, Any]]:
        """How far a cell is.

        Returns:
          ("waiting", "running", "done", "stopped", "failed" or "interrupted"; what `io.summary.state_of` says of it). A
          cell waits until it has a slot, and again where it is done and the sweep has been made longer; one that was
          stopped or that diverged stays as it is.
        """
        run = RunDirectory(self.directory(cell))
        if not (run.path / "config.json").exists():
            return "waiting", {}
        state, detail = state_of(run)
        # Its program's process holds all cells from the beginning, and writes there once it trains one.
        if state in ("running", "interrupted") and not run.metrics.exists():
            return "waiting", {}
        if state == "done" and detail.get("stopped"):
            return "stopped", detail
        if state == "done" and load_config(run.path)["loop"]["duration"] != self.cells[cell].config.loop.duration:
            return "waiting", {}
        return state, detail

    def continued(self, cohort: Cohort) -> "Sweep":
        """This sweep as its directory numbers the cells: those that are there first, then what is new; reads only.

        Raises:
          RunError: The directory is another sweep's, or one that this is no addition to; the difference is said.
        """
        if not (self.workdir / "sweep.json").exists():
            return self
        before, mine = open_sweep(self.workdir), self._facts(cohort)
        found = differences(load_sweep(self.workdir) | {"order": []}, mine | {"order": []})
        by_config = self._by_config()
        order = adding.order_after(before.cells, by_config)
        if refused := {name: text for name, text in found.items() if not self._may_change(name, order is not None)}:
            raise RunError(
                f"{self.workdir} is another sweep's ({sentence(refused)}); name another --workdir, or take back the "
                f"change.{self._why_not(before)}"
            )
        # Whatever may change has, and no cell is lost.
        assert order is not None
        sweep = dataclasses.replace(self, cells=by_config, order=())
        if order != list(range(len(order))):
            sweep = sweep._in_order(tuple(order))
        steps = functools.cache(lambda config: num_steps(config, cohort))
        if sweep._adds_to(before) or adding.longer(before.cells, sweep.cells, steps):
            sweep._require_still(mine)
        return sweep

    def claim(self, cohort: Cohort) -> None:
        """Makes the directory this sweep's, or checks that it is; many tasks may do so at once.

        Raises:
          RunError: It is another sweep's, or cannot be written.
        """
        path = self.workdir / "sweep.json"
        mine = self._facts(cohort)
        with writing(path):
            if not path.exists():
                there = {file.name for file in self.workdir.iterdir()} if self.workdir.is_dir() else set()
                if {name for name in there if not name.startswith(".sweep.json.")} - _OURS:
                    raise RunError(f"{self.workdir} holds files but no sweep.json; name an empty --workdir.")
                (self.workdir / "programs").mkdir(parents=True, exist_ok=True)
                replace_json(path, mine)
        # Again: another task may have claimed it since this one looked.
        if self.continued(cohort).order != self.order:
            raise RunError(f"{self.workdir} has been added to by another process meanwhile; run again.")
        if load_sweep(self.workdir) != mine:
            with writing(path):
                if self._adds_to(open_sweep(self.workdir)):
                    # How far programs are that are cut otherwise now.
                    for note in path.parent.glob("programs/[0-9]*[0-9].json"):
                        note.unlink(missing_ok=True)
                replace_json(path, mine)

    def _in_order(self, order: tuple[int, ...]) -> "Sweep":
        cells = [dataclasses.replace(self.cells[position], index=number) for number, position in enumerate(order)]
        return dataclasses.replace(self, cells=cells, order=order)

    def _by_config(self) -> list[Cell]:
        cells = self.cells.copy()
        for position, cell in zip(self.order, self.cells, strict=False):
            cells[position] = cell
        return cells

    def _facts(self, cohort: Cohort) -> dict[str, Any]:
        return plain(
            {
                "config": to_dict(self.config),
                **({"order": self.order} if self.order else {}),
                "dataset_fingerprint": cohort.lesions.fingerprint,
                "fold_fingerprint": cohort.folds and cohort.folds.fingerprint,
            }
        )

    def _may_change(self, name: str, holds_all: bool) -> bool:
        """Whether a fact of a sweep may differ when it is submitted again."""
        # What may in each cell; and how trainings share a device.
        free = {f"config.base.{field}" for field in names_where(self.config.base, lambda setting: setting.is_free)}
        free |= {"config.packing", *(() if self.config.halving.rungs else _PLACING)}
        grows = holds_all and not self.config.halving.rungs
        # Cells may be of a family that cannot be made longer.
        return name in free - {"config.base.loop.duration"} or (grows and name.startswith(_CELLS))

    def _why_not(self, before: "Sweep") -> str:
        if self.config.halving.rungs:
            return " Halving compares cells as they come: such a sweep cannot be added to or made longer."
        if lost := adding.missing(before.cells, self.cells):
            return (
                f" {len(lost)} of its {len(before.cells)} cells are not in this config, such as cell {lost[0].index} "
                f"({lost[0].changes}): a sweep can be added to, and keeps what it has."
            )
        return ""

    def _adds_to(self, before: "Sweep") -> bool:
        return len(self.cells) != len(before.cells)

    def _require_still(self, mine: dict[str, Any]) -> None:
        """Refuses an addition while others train: theirs are other programs under the same numbers."""
        try:
            for lock in sorted((self.workdir / "programs").glob("*.lock")):
                require_unlocked(lock, what=lock.with_suffix(""))
        except RunError as error:
            if load_sweep(self.workdir)["config"] != mine["config"]:
                raise RunError(f"{self.workdir} cannot be added to while it is trained: {error}") from error


def load_sweep(workdir: Path) -> dict[str, Any]:
    """What `Sweep.claim` wrote.

    Raises:
      RunError: It is not the directory of a sweep.
    """
    try:
        return json.loads((workdir / "sweep.json").read_text())
    except (OSError, ValueError) as error:
        raise RunError(f"{workdir} is not the directory of a sweep: its sweep.json cannot be read ({error}).") from None


def open_sweep(workdir: Path) -> Sweep:
    """The sweep of a directory that `Sweep.claim` made.

    Raises:
      RunError: It is not the directory of a sweep.
    """
    there = load_sweep(workdir)
    config = from_mapping(there["config"], {**config_kinds(), "sweep": SweepConfig})
    if not isinstance(config, SweepConfig):
        raise RunError(f"{workdir} is the directory of a {config.kind!r}, not of a sweep.")
    return Sweep.of(config, workdir, tuple(there.get("order", ())))
