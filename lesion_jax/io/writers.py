"""What a run writes while it trains: metrics.jsonl, TensorBoard, pictures."""

import json
import math
from collections.abc import Mapping
from contextlib import ExitStack

import numpy as np
import tensorboardX.summary

from lesion_jax.disk.atomic import write_bytes, writing
from lesion_jax.io.event_files import EventFile
from lesion_jax.io.picture_file import write_picture
from lesion_jax.io.run_directory import RunDirectory


class MetricsWriter:
    """Writes the metrics and pictures of one run; `close` it.

    metrics.jsonl holds no wall time: a run that was interrupted ends with the same bytes as
    one that was not. TensorBoard's files hold it.
    """

    def __init__(self, run: RunDirectory, *, start: int = 0):
        """Opens the files; lines and events after `start` are dropped, the run is about to write them again.

        Args:
          run: Run directory to write to.
          start: Step that the run was restored at; 0 for a fresh one.

        Raises:
          RunError: A file cannot be written, as in everything below.
        """
        self._run = run
        with writing(run.metrics):
            _drop_after(run, start)
            self._lines = run.metrics.open("a")
        with writing(run.tensorboard):
            run.tensorboard.mkdir(exist_ok=True)
            self._events = EventFile(run.tensorboard, start)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes one line.

        Args:
          step: Steps taken.
          values: Numbers by "split/group/name"; what is not finite becomes null in the line.
        """
        line = {"step": step} | {name: value if math.isfinite(value) else None for name, value in values.items()}
        with writing(self._run.metrics):
            self._lines.write(json.dumps(line) + "\n")
            self._lines.flush()
        with writing(self._run.tensorboard):
            for name, value in values.items():
                self._events.add(step, summary=tensorboardX.summary.scalar(name, value))
            self._events.flush()

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Writes samples/NAME_STEP.png and the same for TensorBoard.

        Args:
          step: Steps taken.
          name: Name of the picture; becomes part of a file name.
          pixels: uint8 [H, W] or [H, W, 3].
        """
        with writing(self._run.samples):
            self._run.samples.mkdir(exist_ok=True)
            write_picture(self._run.samples / f"{name}_{step:08d}.png", pixels)
        with writing(self._run.tensorboard):
            dataformats = "HW" if pixels.ndim == 2 else "HWC"
            self._events.add(step, summary=tensorboardX.summary.image(name, pixels, dataformats=dataformats))
            self._events.flush()

    def close(self) -> None:
        """Flushes and closes both files, also where one of them fails."""
        with ExitStack() as stack:
            stack.enter_context(writing(self._run.tensorboard))
            stack.callback(self._events.close)
            stack.enter_context(writing(self._run.metrics))
            stack.callback(self._lines.close)


def _drop_after(run: RunDirectory, start: int) -> None:
    if not run.metrics.exists():
        return
    content = run.metrics.read_bytes()
    kept = b"".join(line for line in content.splitlines(keepends=True) if _is_kept(line, start))
    if kept != content:
        write_bytes(run.metrics, kept)


def _is_kept(line: bytes, start: int) -> bool:
    # A kill may have cut the last line short; it belongs to a step after the checkpoint. What else is no line of ours
    # cannot be placed, and goes.
    try:
        return line.endswith(b"\n") and json.loads(line)["step"] <= start
    except (ValueError, TypeError, KeyError):
        return False
