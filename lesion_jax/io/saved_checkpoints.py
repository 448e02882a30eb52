"""Which checkpoint of a directory: the best, the last, or that of a step; read without the run that wrote it."""

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from lesion_jax.errors import DamagedError, RunError
from lesion_jax.io.checkpoint_format import Note, read_arrays, read_note

Ranking = Literal["best", "last"]
# Or that of a step.
Which = Ranking | int

_log = logging.getLogger(__name__)


def saved_steps(directory: Path) -> list[int]:
    """Steps of the checkpoints of a directory, whole or not, in no order; it need not exist."""
    if not directory.is_dir():
        return []
    return [int(path.name) for path in directory.iterdir() if path.name.isdigit() and path.is_dir()]


def last_step(directory: Path) -> int | None:
    """Step of the newest checkpoint of a directory, whole or not; None without any.

    Args:
      directory: The `checkpoints` directory of a run; need not exist.
    """
    return max(saved_steps(directory.absolute()), default=None)


def best_step(directory: Path) -> int | None:
    """Step of the checkpoint with the highest score; None where none has one."""
    best = find_note(directory, "best")
    return None if best is None or best.score is None else best.step


def damaged_steps(directory: Path) -> list[int]:
    """Steps of the checkpoints whose note is not what was written; their arrays are not read."""
    found: list[int] = []
    for step in sorted(saved_steps(directory.absolute())):
        try:
            read_note(directory.absolute() / str(step))
        except DamagedError:
            found.append(step)
    return found


def find_note(directory: Path, which: Ranking) -> Note | None:
    """The note of the best or the last checkpoint whose note is whole; None without any. See `load_checkpoint`."""
    return next(iter(ranked_notes(directory.absolute(), which)), None)


def last_and_best(directory: Path) -> tuple[Note | None, Note | None]:
    """What `find_note` says of both, each note read once."""
    notes = ranked_notes(directory.absolute(), "last")
    return (notes[0], _best_first(notes)[0]) if notes else (None, None)


def ranked_notes(
    directory: Path, which: Ranking, tell: Callable[[DamagedError], None] = lambda _: None
) -> Sequence[Note]:
    """The whole notes of a directory, best or last first.

    Args:
      directory: The `checkpoints` directory of a run, absolute.
      which: "best" by score, of equals the newest, and those without one last; or "last" by step.
      tell: Called with the damage of the others.
    """
    notes = []
    for step in sorted(saved_steps(directory), reverse=True):
        try:
            notes.append(read_note(directory / str(step)))
        except DamagedError as error:
            tell(error)
    return notes if which == "last" else _best_first(notes)


def _best_first(notes: Sequence[Note]) -> list[Note]:
    # Sorting is stable: of equal scores the newest comes first.
    scored = sorted((note for note in notes if note.score is not None), key=lambda note: note.score or 0, reverse=True)
    return [*scored, *(note for note in notes if note.score is None)]


def load_checkpoint(directory: Path | str, which: Which, *, run: str | None = None) -> tuple[Note, dict[str, Any]]:
    """Reads a checkpoint as nested dicts of numpy arrays, without its config or its code; nothing is written.

    Where the best or the last one is damaged the next one is read instead, by score or by step, with a warning that
    names both. The checkpoint of a step is that one or an error.

    Args:
      directory: The `checkpoints` directory of a run.
      which: "best" by score, of equals the newest, or the last one where none has a score; "last"; or a step.
      run: Identity that they must have; None takes any.

    Returns:
      (note, nested dict of host arrays).

    Raises:
      RunError: There is no such checkpoint, one is another run's, or each of them is damaged.
    """
    directory = Path(directory).absolute()
    if which not in ("best", "last"):
        note = read_note(directory / str(_step_of(which, directory)))
        return note, _read(directory, note, run)
    damaged: list[DamagedError] = []
    for note in ranked_notes(directory, which, damaged.append):
        try:
            arrays = _read(directory, note, run)
        except DamagedError as error:
            damaged.append(error)
            continue
        for error in damaged:
            _log.warning("%s Checkpoint %s is used instead.", error, directory / str(note.step))
        return note, arrays
    if not damaged:
        raise RunError(f"{directory} holds no checkpoint; has the run saved one yet?")
    raise DamagedError(
        f"{directory} holds no whole checkpoint ({damaged[0]}); bring one back from a copy, or remove the directory to "
        "start again."
    )


def _step_of(which: Any, directory: Path) -> int:
    if not isinstance(which, int | np.integer) or isinstance(which, bool):
        raise RunError(f"A checkpoint is 'best', 'last' or the number of a step; got {which!r}.")
    steps = saved_steps(directory)
    if which not in steps:
        held = ", ".join(map(str, sorted(steps))) or "none"
        raise RunError(f"{directory} holds no checkpoint of step {which}; the steps that it holds: {held}.")
    return int(which)


def _read(directory: Path, note: Note, run: str | None) -> dict[str, Any]:
    path = directory / str(note.step)
    if run not in (None, note.run):
        raise RunError(
            f"Checkpoint {path} was written by another run ({note.run[:12]}) than this one ({run[:12]}): another "
            "config, other data or another fold; take it away."
        )
    return read_arrays(path)
