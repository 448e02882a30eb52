"""What a run writes while it trains: metrics.jsonl, TensorBoard, pictures.

Numbers are written behind: a step of a small network is shorter than a line of them takes.
"""

import collections
import json
import math
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import numpy as np
import tensorboardX.summary
from tensorboardX.proto import summary_pb2

from lesion_jax.disk.atomic import write_bytes, writing
from lesion_jax.io.event_files import EventFile
from lesion_jax.io.picture_file import write_picture
from lesion_jax.io.run_directory import RunDirectory

# Any: a generated module, whose classes appear when it is imported.
_summary: Any = summary_pb2

# For all runs of the process: what they hand in is little, and one thread keeps the order of each.
_BEHIND = ThreadPoolExecutor(1, thread_name_prefix="metrics")
# TensorBoard's file is brought to the disk itself, which takes milliseconds; readers look every half a minute.
_EVENTS_SECONDS = 5.0


class MetricsWriter:
    """Writes the metrics and pictures of one run; `close` it.

    metrics.jsonl holds no wall time: a run that was interrupted ends with the same bytes as
    one that was not. TensorBoard's files hold it. What `scalars` takes is written soon, in its order; that a file
    cannot be written is told by the next call.
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
        # (step, values) that nobody has begun to write.
        self._waiting: collections.deque[tuple[int, Mapping[str, float]]] = collections.deque()
        self._writing: Future[None] | None = None
        self._flushed = time.monotonic()
        with writing(run.metrics):
            _drop_after(run, start)
            self._lines = run.metrics.open("a")
        with writing(run.tensorboard):
            run.tensorboard.mkdir(exist_ok=True)
            self._events = EventFile(run.tensorboard, start)

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Takes one line, to be written behind.

        Args:
          step: Steps taken.
          values: Numbers by "split/group/name"; what is not finite becomes null in the line.

        Raises:
          RunError: An earlier one cannot be written.
        """
        self._waiting.append((step, values))
        if self._writing is None or self._writing.done():
            self._raise()
            self._writing = _BEHIND.submit(self._write_waiting)

    def wait(self) -> None:
        """Returns when everything is written."""
        self._catch_up()
        with writing(self._run.tensorboard):
            self._events.flush()

    def _catch_up(self) -> None:
        self._raise()
        # What came while the last of them was being written.
        self._write_waiting()

    def _raise(self) -> None:
        """Waits for the thread, and raises what it met."""
        pending, self._writing = self._writing, None
        if pending is not None:
            pending.result()

    def _write_waiting(self) -> None:
        lines, events = [], []
        while self._waiting:
            step, values = self._waiting.popleft()
            line = {"step": step} | {name: value if math.isfinite(value) else None for name, value in values.items()}
            lines.append(json.dumps(line) + "\n")
            named = [_summary.Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
            events.append((step, _summary.Summary(value=named)))
        if not lines:
            return
        with writing(self._run.metrics):
            self._lines.write("".join(lines))
            self._lines.flush()
        with writing(self._run.tensorboard):
            for step, summary in events:
                self._events.add(step, summary=summary)
            if time.monotonic() - self._flushed > _EVENTS_SECONDS:
                self._events.flush()
                self._flushed = time.monotonic()

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Writes samples/NAME_STEP.png and the same for TensorBoard.

        Args:
          step: Steps taken.
          name: Name of the picture; becomes part of a file name.
          pixels: uint8 [H, W] or [H, W, 3].
        """
        self._catch_up()
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
            self._catch_up()


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
