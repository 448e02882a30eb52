"""Checkpoints: nested dicts of arrays on disk, by step; the newest and the best are kept.

They are written from host copies and know nothing of devices or processes, so what was
saved on any topology is restored on any other. Each carries a digest of its arrays:
Orbax's own files do not notice a flipped byte. The only file that imports Orbax.
"""

import functools
import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import flax.serialization
import jax
import numpy as np
from orbax.checkpoint import v1 as ocp

from lesion_jax.errors import RunError

_SCORE = "score"
_DIGEST = "sha256"
_MOST_SHOWN = 5


class Checkpoints:
    """The checkpoints of one run, open for writing; a context manager, which waits for the last save."""

    def __init__(self, directory: Path):
        """Opens the directory, and makes it if absent.

        Args:
          directory: One subdirectory per step.
        """
        self._directory = directory.absolute()
        logging.getLogger("absl").addFilter(_is_not_orbax)
        # Any: these policies do not match the protocols that Orbax declares for them.
        saving: Any = ocp.training.save_decision_policies
        keeping: Any = ocp.training.preservation_policies
        best = keeping.BestN(get_metric_fn=_score_of, n=1, keep_checkpoints_without_metrics=False)
        self._checkpointer = ocp.training.Checkpointer(
            str(self._directory),
            save_decision_policy=saving.FixedIntervalPolicy(1),
            preservation_policy=keeping.AnyPreservationPolicy([keeping.LatestN(1), best]),
            cleanup_tmp_directories=True,
        )
        self._pending: Any = None
        self._num_bytes = 0

    def __enter__(self) -> "Checkpoints":
        """Returns itself."""
        return self

    def __exit__(self, *_: Any) -> None:
        """Waits for what is being written, also when an exception is on its way."""
        with self._writing():
            self._checkpointer.close()

    def save(self, step: int, state: Any, *, score: float | None) -> None:
        """Starts writing a checkpoint and returns as soon as the host holds a copy of the state.

        At most one save is under way: a second one waits for the first. The caller may donate
        the state right afterwards.

        Args:
          step: Steps taken; above every step saved before.
          state: Tree of arrays, replicated or on one device.
          score: Higher is better; None for a checkpoint that cannot be the best.

        Raises:
          RunError: This save or the one before it could not be written.
        """
        if score is not None and not np.isfinite(score):
            raise ValueError(f"The score of step {step} is {score}; a best checkpoint needs a finite one.")
        # A copy: on the CPU np.asarray gives a view, which would pin the buffer that the next step wants donated.
        copied = jax.tree.map(lambda leaf: np.array(leaf), flax.serialization.to_state_dict(state))
        self._num_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(copied))
        with self._writing():
            self._pending = self._checkpointer.save_async(
                step,
                copied,
                metrics=None if score is None else {_SCORE: float(score)},
                custom_metadata={_DIGEST: _digest(copied)},
            )

    def wait(self) -> None:
        """Returns when the last save is whole on disk.

        Raises:
          RunError: It could not be written.
        """
        with self._writing():
            if self._pending is not None:
                self._pending.result()
                self._pending = None

    @property
    def last_step(self) -> int | None:
        """Step of the newest checkpoint; None without any. Waits for a save under way."""
        self.wait()
        return _last(self._checkpointer)

    @property
    def best_step(self) -> int | None:
        """Step of the checkpoint with the highest score, of equals the newest; None where none has one."""
        self.wait()
        return _best(self._checkpointer)

    def restore(self, step: int, abstract_state: Any) -> Any:
        """Reads one checkpoint into the structure of a state.

        Args:
          step: One that was saved and kept.
          abstract_state: Tree of arrays or ShapeDtypeStructs; leaves without a sharding go to
            the first local device.

        Returns:
          A tree of the same structure, shapes, dtypes and shardings, on the devices.

        Raises:
          RunError: There is no such step, its arrays differ from what is asked for, or it cannot be read.
        """
        self.wait()
        path = self._directory / str(step)
        wanted = flax.serialization.to_state_dict(abstract_state)
        with _reading(path):
            held = _structure(path)
        _check_same_arrays(held, wanted, path)
        default = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])
        arrays = jax.tree.map(
            lambda array, leaf: jax.device_put(array, getattr(leaf, "sharding", None) or default),
            _load(path, held),
            wanted,
        )
        return flax.serialization.from_state_dict(abstract_state, arrays)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            # TensorStore reports a full disk as a ValueError.
            older = (
                any(path.name.isdigit() for path in self._directory.iterdir()) if self._directory.is_dir() else False
            )
            raise RunError(
                f"A checkpoint of {self._num_bytes / 2**20:.1f} MiB could not be written below {self._directory} "
                f"({_reason(error)}); make room, then start again{': the older checkpoints are whole' * older}."
            ) from error


def last_step(directory: Path | str) -> int | None:
    """Step of the newest checkpoint of a directory; None without any. Nothing is written.

    Args:
      directory: The `checkpoints` directory of a run; need not exist.
    """
    directory = Path(directory).absolute()
    if not directory.is_dir():
        return None
    with ocp.training.Checkpointer(str(directory)) as checkpointer:
        return _last(checkpointer)


def load_arrays(directory: Path | str, which: Literal["best", "last"]) -> tuple[int, dict[str, Any]]:
    """Reads a checkpoint as nested dicts of numpy arrays, without its config or its code; nothing is written.

    Args:
      directory: The `checkpoints` directory of a run.
      which: "best" by score, or the last one where none has a score; or "last".

    Returns:
      (step, nested dict of host arrays).

    Raises:
      RunError: There is no checkpoint, or it cannot be read.
    """
    directory = Path(directory).absolute()
    step = None
    if directory.is_dir():
        with ocp.training.Checkpointer(str(directory)) as checkpointer:
            step = _best(checkpointer) if which == "best" else None
            step = _last(checkpointer) if step is None else step
    if step is None:
        raise RunError(f"{directory} holds no checkpoint; has the run saved one yet?")
    path = directory / str(step)
    with _reading(path):
        held = _structure(path)
    return step, _load(path, held)


def _is_not_orbax(record: logging.LogRecord) -> bool:
    # Every thread of a failed save logs a traceback of its own; what is wrong comes as one exception.
    return "/orbax/" not in record.pathname.replace("\\", "/")


_dotted = functools.partial(jax.tree_util.keystr, simple=True, separator=".")


def _score_of(metrics: Any) -> float:
    return metrics[_SCORE]


def _last(checkpointer: ocp.training.Checkpointer) -> int | None:
    latest = checkpointer.latest
    return None if latest is None else latest.step


def _best(checkpointer: ocp.training.Checkpointer) -> int | None:
    scored = [(_score_of(found.metrics), found.step) for found in checkpointer.checkpoints if found.metrics]
    return max(scored)[1] if scored else None


def _structure(path: Path) -> Any:
    return ocp.metadata(str(path)).metadata


def _load(path: Path, held: Any) -> Any:
    # Numpy leaves in the abstract tree: read to the host, whatever devices there were or are.
    with _reading(path):
        arrays = ocp.load(str(path), jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), held))
        notes: Any = ocp.metadata(str(path)).custom_metadata or {}
        if notes.get(_DIGEST) != _digest(arrays):
            raise ValueError("its arrays are not those that were written")
    return arrays


def _digest(arrays: Any) -> str:
    digest = hashlib.sha256()
    for path, leaf in jax.tree_util.tree_flatten_with_path(arrays)[0]:
        digest.update(f"{_dotted(path)} {leaf.dtype} {leaf.shape}\n".encode())
        digest.update(np.ascontiguousarray(leaf).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    if not path.is_dir():
        raise RunError(f"{path} does not exist; there is no checkpoint of that step.")
    try:
        yield
    except Exception as error:
        # Orbax wraps whatever goes wrong below it in types of its own, by the kind of damage.
        raise RunError(f"Checkpoint {path} is damaged and cannot be read ({_reason(error)}).") from error


def _check_same_arrays(held: Any, wanted: Any, path: Path) -> None:
    def described(tree: Any) -> dict[str, str]:
        flat, _ = jax.tree_util.tree_flatten_with_path(tree)
        return {_dotted(path): f"{leaf.dtype}{list(leaf.shape)}" for path, leaf in flat}

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


def _reason(error: BaseException) -> str:
    # TensorStore nests its messages, outermost first; the cause comes last.
    if "No space left" in str(error):
        return "no space left on the disk"
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
