"""One checkpoint: nested dicts of arrays, and a sealed note of what they are. The only file that imports Orbax.

Arrays are written from host copies and know nothing of devices or processes, so what was saved on any topology is
restored on any other. Orbax's own files do not notice a flipped byte: the note carries a digest of the arrays, and
one of itself.
"""

import dataclasses
import functools
import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jax
import numpy as np

from lesion_jax.errors import DamagedError, RunError

_SEAL = "seal"
# Orbax's own file, in which it keeps what is told it about a checkpoint.
_METADATA = "_CHECKPOINT_METADATA"
# What is written, before Orbax renames it.
UNFINISHED = ".orbax-checkpoint-tmp"


@dataclasses.dataclass(frozen=True)
class Note:
    """What a checkpoint says of itself.

    Attributes:
      step: Steps taken.
      score: Higher is better; None for a checkpoint that cannot be the best.
      scheduled: False for one that was written because the process was asked to end.
      run: Identity of the run that wrote it, see `RunDirectory.identity`.
      is_healthy: Whether an evaluation at this step found no collapse; None where there was none.
      collapse: The first collapse up to this step, in a sentence.
      digest: Digest of the arrays, by the function `digest`.
    """

    step: int
    score: float | None
    scheduled: bool
    run: str
    is_healthy: bool | None
    collapse: str | None
    digest: str


def digest(arrays: Any) -> str:
    """Hex digest of every array's name, shape, dtype and content.

    Args:
      arrays: Nested dicts of host arrays.
    """
    found = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(arrays)[0]:
        found.update(f"{dotted(path)} {leaf.dtype} {leaf.shape}\n".encode())
        found.update(np.ascontiguousarray(leaf).reshape(-1).view(np.uint8).data)
    return found.hexdigest()


dotted = functools.partial(jax.tree_util.keystr, simple=True, separator=".")


def write_checkpoint(path: Path, arrays: Any, note: Note) -> None:
    """Writes a checkpoint, which appears whole or not at all; only the calling process takes part.

    Args:
      path: Absolute; must not exist.
      arrays: Nested dicts of host arrays.
      note: Note of what they are.

    Raises:
      OSError, ValueError: The disk does not take it.
    """
    facts = dataclasses.asdict(note)
    _checkpointer().save(str(path), arrays, custom_metadata={**facts, _SEAL: _seal(facts)})


def read_note(path: Path) -> Note:
    """What a checkpoint says of itself; its arrays are not read, and no device is touched.

    Raises:
      DamagedError: It is not what was written.
      RunError: The disk does not give it.
    """
    with _reading(path):
        # By hand: Orbax would start JAX's backend, which may be another process's.
        facts = dict(json.loads((path / _METADATA).read_text())["custom_metadata"])
        if facts.pop(_SEAL, None) != _seal(facts) or facts["step"] != int(path.name):
            raise ValueError("its note is not what was written")
        return Note(**facts)


def read_arrays(path: Path) -> Any:
    """The arrays of a checkpoint as nested dicts on the host, whatever devices there were or are.

    Raises:
      DamagedError: They are not what was written.
      RunError: The disk does not give them.
    """
    note = read_note(path)
    # Out here: a backend that does not start is no damage.
    checkpointer = _checkpointer()
    with _reading(path):
        # Told nothing of their types, Orbax gives back what it was given: arrays on the host. Asking it for the types
        # first would take as long again.
        arrays = checkpointer.restore(str(path))
        if note.digest != digest(arrays):
            raise ValueError("its arrays are not those that were written")
    return arrays


def _checkpointer() -> Any:
    # Here: it takes a second to import, and who reads notes, or is refused before any array is read, needs none of it.
    # v0: in v1 every process of a run takes part in a save, by collectives of its own among those of the training.
    import orbax.checkpoint as ocp

    # As if this process were alone, whatever the run: without it, a save waits for all processes.
    alone = ocp.options.MultiprocessingOptions(
        primary_host=jax.process_index(),
        active_processes={jax.process_index()},
        barrier_sync_key_prefix=f"process{jax.process_index()}",
    )
    return ocp.Checkpointer(ocp.PyTreeCheckpointHandler(multiprocessing_options=alone), multiprocessing_options=alone)


def _seal(facts: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        # A file that is gone is damage; a disk that hangs, or too many open files, says nothing of the checkpoint.
        is_damage = not isinstance(error, OSError | MemoryError) or isinstance(error, FileNotFoundError)
        if not is_damage:
            raise RunError(f"Checkpoint {path} cannot be read now ({reason(error)}); try again.") from error
        # Orbax wraps whatever goes wrong below it in types of its own, by the kind of damage.
        raise DamagedError(f"Checkpoint {path} is damaged and cannot be read ({reason(error)}).") from error


class _NotOfOrbax(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        # Every thread of a failed save or read logs a traceback of its own; what is wrong comes as one exception.
        return "/orbax/" not in record.pathname.replace("\\", "/")


logging.getLogger("absl").addFilter(_NotOfOrbax())


def reason(error: BaseException) -> str:
    """The first line of what went wrong, and of a full disk just that."""
    # TensorStore nests its messages, outermost first; the cause comes last.
    if "No space left" in str(error):
        return "no space left on the disk"
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
