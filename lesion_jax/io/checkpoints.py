"""The checkpoints of a run under way, by step: the last two, the best and the last healthy one are kept."""

import shutil
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import flax.serialization
import jax
import numpy as np

from lesion_jax.errors import RunError
from lesion_jax.io.checkpoint_format import (
    UNFINISHED,
    Note,
    digest,
    dotted,
    reason,
    write_checkpoint,
)
from lesion_jax.io.saved_checkpoints import find_note, load_checkpoint, ranked_notes, saved_steps

# The newest, and one to fall back on where a disk spoils it.
_NUM_LAST = 2
_REMOVING = ".removing"
_DAMAGED = ".damaged"
_MOST_SHOWN = 5


class Checkpoints:
    """The checkpoints of one run, open for writing; a context manager, which waits for the last save."""

    def __init__(self, directory: Path, *, run: str):
        """Opens the directory, makes it if absent, and removes what a killed process left.

        Args:
          directory: One subdirectory per step. Its run is locked: nobody else writes here.
          run: Identity of the run.
        """
        self._directory = directory.absolute()
        self._run = run
        self._directory.mkdir(parents=True, exist_ok=True)
        for left in self._directory.iterdir():
            if left.name.endswith(_REMOVING) or UNFINISHED in left.name:
                shutil.rmtree(left, ignore_errors=True)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="checkpoints")
        self._pending: Future[None] | None = None
        self._num_bytes = 0

    def __enter__(self) -> "Checkpoints":
        """Returns itself."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Waits for what is being written, also when an exception is on its way."""
        try:
            self.wait()
        finally:
            self._writer.shutdown()

    def save(
        self,
        step: int,
        state: Any,
        *,
        score: float | None,
        scheduled: bool = True,
        is_healthy: bool | None = None,
        collapse: str | None = None,
    ) -> None:
        """Starts writing a checkpoint and returns as soon as the host holds a copy of the state.

        At most one save is under way: a second one waits for the first. The caller may donate
        the state right afterwards.

        Args:
          step: Steps taken; above every step saved before.
          state: Tree of arrays on one device or on the host.
          score: Higher is better; None for a checkpoint that cannot be the best.
          scheduled: False for one that an uninterrupted run would not write; it goes when a later one is written.
          is_healthy: Whether an evaluation at this step found no collapse; None where there was none.
          collapse: The first collapse up to this step, in a sentence; None where there was none.

        Raises:
          RunError: The save before this one could not be written.
        """
        if score is not None and not np.isfinite(score):
            raise ValueError(f"The score of step {step} is {score}; a best checkpoint needs a finite one.")
        # A copy: on the CPU np.asarray gives a view, which would pin the buffer that the next step wants donated.
        copied = jax.tree.map(lambda leaf: np.array(leaf), flax.serialization.to_state_dict(state))
        self.wait()
        self._num_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(copied))
        # In a thread: hashing and writing take longer than a step of an accelerator.
        facts = {"step": step, "score": None if score is None else float(score), "scheduled": scheduled}
        facts |= {"run": self._run, "is_healthy": is_healthy, "collapse": collapse}
        self._pending = self._writer.submit(self._write, copied, facts)

    def _write(self, arrays: Any, facts: dict[str, Any]) -> None:
        note = Note(**facts, digest=digest(arrays))
        write_checkpoint(self._directory / str(note.step), arrays, note)
        _remove_all_but_kept(self._directory)

    def wait(self) -> None:
        """Returns when the last save is whole on disk.

        Raises:
          RunError: It could not be written.
        """
        pending, self._pending = self._pending, None
        if pending is None:
            return
        try:
            pending.result()
        except (OSError, ValueError) as error:
            # TensorStore reports a full disk as a ValueError.
            older = bool(saved_steps(self._directory))
            raise RunError(
                f"A checkpoint of {self._num_bytes / 2**20:.1f} MiB could not be written below {self._directory} "
                f"({reason(error)}); make room, then start again{': the older checkpoints are whole' * older}."
            ) from error

    def restore_last(self, state: Any) -> tuple[Note, Any] | None:
        """Reads the newest whole checkpoint into the structure of a state.

        Damaged ones after it are set aside, as STEP.damaged: their steps will be taken and saved again.

        Args:
          state: Tree of arrays or ShapeDtypeStructs.

        Returns:
          (its note, a tree of the same structure, of host arrays); None where there is no checkpoint.

        Raises:
          RunError: Its arrays differ from what is asked for, it is another run's, or every checkpoint is damaged.
        """
        self.wait()
        if not saved_steps(self._directory):
            return None
        note, arrays = load_checkpoint(self._directory, "last", run=self._run)
        _check_same_arrays(arrays, flax.serialization.to_state_dict(state), self._directory / str(note.step))
        for later in saved_steps(self._directory):
            if later > note.step:
                aside = self._directory / f"{later}{_DAMAGED}"
                shutil.rmtree(aside, ignore_errors=True)
                (self._directory / str(later)).rename(aside)
        return note, flax.serialization.from_state_dict(state, arrays)

    def return_to_healthy(self) -> None:
        """Removes what was saved after the last checkpoint that was found healthy; nothing where none was."""
        self.wait()
        healthy = [note.step for note in ranked_notes(self._directory, "last") if note.is_healthy]
        for step in saved_steps(self._directory):
            if healthy and step > healthy[0]:
                _remove(self._directory / str(step))


def _remove_all_but_kept(directory: Path) -> None:
    notes = ranked_notes(directory, "last")
    kept = {max(saved_steps(directory)), *[note.step for note in notes if note.scheduled][:_NUM_LAST]}
    kept |= set([note.step for note in notes if note.is_healthy][:1])
    if (best := find_note(directory, "best")) is not None:
        kept.add(best.step)
    for step in saved_steps(directory):
        if step not in kept:
            _remove(directory / str(step))


def _remove(path: Path) -> None:
    # Renamed first: a kill in the middle must not leave half of a checkpoint under a whole one's name.
    removing = path.with_name(f"{path.name}{_REMOVING}")
    path.rename(removing)
    shutil.rmtree(removing)


def _check_same_arrays(held: Any, wanted: Any, path: Path) -> None:
    def described(tree: Any) -> dict[str, str]:
        flat, _ = jax.tree_util.tree_flatten_with_path(tree)
        return {dotted(path): f"{leaf.dtype}{list(leaf.shape)}" for path, leaf in flat}

    old, new = described(held), described(wanted)
    differences = [
        f"{name} is {old.get(name, 'absent')} there and {new.get(name, 'absent')} here"
        # The parameters first: the optimizer's copies of them lie deeper.
        for name in sorted({*old, *new}, key=lambda name: (name.count("."), name))
        if old.get(name) != new.get(name)
    ]
    if differences:
        more = len(differences) - _MOST_SHOWN
        raise RunError(
            f"Checkpoint {path} is of another network ({', '.join(differences[:_MOST_SHOWN])}"
            f"{f', and {more} more' if more > 0 else ''}); continue it with the config that it was made with."
        )
