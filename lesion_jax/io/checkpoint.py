"""Checkpoints: nested dicts of arrays on disk, by step; the newest and the best are kept.

They are written from host copies and know nothing of devices or processes, so what was
saved on any topology is restored on any other. The only file that imports Orbax.
"""

import functools
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
_MOST_SHOWN = 5


class Checkpoints:
    """The checkpoints of one run, open for writing; a context manager, which waits for the last save."""

    def __init__(self, directory: Path):
        """Opens the directory, and makes it if absent.

        Args:
          directory: One subdirectory per step.
        """
        self._directory = directory.absolute()
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
        # A copy, not a view: on the CPU np.asarray would show the buffer that the next step donates.
        copied = jax.tree.map(lambda leaf: np.array(leaf), flax.serialization.to_state_dict(state))
        with self._writing():
            self._pending = self._checkpointer.save_async(
                step, copied, metrics=None if score is None else {_SCORE: float(score)}
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
        default = jax.sharding.SingleDeviceSharding(jax.local_devices()[0])

        def wanted(leaf: Any) -> jax.ShapeDtypeStruct:
            sharding = getattr(leaf, "sharding", None) or default
            return jax.ShapeDtypeStruct(np.shape(leaf), leaf.dtype, sharding=sharding)

        abstract = jax.tree.map(wanted, flax.serialization.to_state_dict(abstract_state))
        with _reading(path):
            held = ocp.metadata(str(path)).metadata
        _check_same_arrays(held, abstract, path)
        with _reading(path):
            arrays = ocp.load(str(path), abstract)
        return flax.serialization.from_state_dict(abstract_state, arrays)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            # TensorStore reports a full disk as a ValueError.
            raise RunError(
                f"A checkpoint could not be written below {self._directory} ({_first_line(error)}); "
                "make room or mend the disk, then start again: older checkpoints are whole."
            ) from error


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
        held = ocp.metadata(str(path)).metadata
        return step, ocp.load(str(path), jax.tree.map(lambda leaf: np.empty(leaf.shape, leaf.dtype), held))


def _score_of(metrics: Any) -> float:
    return metrics[_SCORE]


def _last(checkpointer: ocp.training.Checkpointer) -> int | None:
    latest = checkpointer.latest
    return None if latest is None else latest.step


def _best(checkpointer: ocp.training.Checkpointer) -> int | None:
    scored = [(_score_of(found.metrics), found.step) for found in checkpointer.checkpoints if found.metrics]
    return max(scored)[1] if scored else None


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    if not path.is_dir():
        raise RunError(f"{path} does not exist; there is no checkpoint of that step.")
    try:
        yield
    except Exception as error:
        # Orbax wraps whatever goes wrong below it in types of its own, by the kind of damage.
        raise RunError(f"Checkpoint {path} is damaged and cannot be read ({_first_line(error)}).") from error


def _check_same_arrays(held: Any, wanted: Any, path: Path) -> None:
    def described(tree: Any) -> dict[str, str]:
        flat, _ = jax.tree_util.tree_flatten_with_path(tree)
        keystr = functools.partial(jax.tree_util.keystr, simple=True, separator=".")
        return {keystr(path): f"{leaf.dtype}{list(leaf.shape)}" for path, leaf in flat}

    old, new = described(held), described(wanted)
    differences = [
        f"{name} is {old.get(name, 'absent')} there and {new.get(name, 'absent')} here"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    if differences:
        more = len(differences) - _MOST_SHOWN
        raise RunError(
            f"Checkpoint {path} is of another network ({', '.join(differences[:_MOST_SHOWN])}"
            f"{f', and {more} more' if more > 0 else ''}); continue it with the config that it was made with."
        )


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:300]
