"""What a run tells while it trains: metrics.jsonl, TensorBoard, pictures."""

import io
import json
import math
from collections.abc import Mapping

import numpy as np
import tensorboardX
from PIL import Image

from lesion_jax.io.atomic import write_bytes
from lesion_jax.io.run_directory import RunDirectory


class MetricsWriter:
    """Writes the metrics and pictures of one run; `close` it.

    metrics.jsonl holds no wall time: a run that was interrupted ends with the same bytes as
    one that was not. TensorBoard's files hold it.
    """

    def __init__(self, run: RunDirectory, *, start: int = 0):
        """Opens the files; lines and events after `start` are dropped, the run is about to write them again.

        Args:
          run: Where to write.
          start: Step that the run was restored at; 0 for a fresh one.
        """
        self._samples = run.samples
        _drop_after(run, start)
        self._lines = run.metrics.open("a")
        # The suffix: file names hold whole seconds, and a file of the same name would be overwritten.
        self._events = tensorboardX.SummaryWriter(
            str(run.tensorboard), purge_step=start + 1, filename_suffix=f".from{start}"
        )

    def scalars(self, step: int, values: Mapping[str, float]) -> None:
        """Writes one line.

        Args:
          step: Steps taken.
          values: By "split/group/name"; what is not finite becomes null in the line.
        """
        line = {"step": step} | {name: value if math.isfinite(value) else None for name, value in values.items()}
        self._lines.write(json.dumps(line) + "\n")
        self._lines.flush()
        for name, value in values.items():
            self._events.add_scalar(name, value, step)

    def image(self, step: int, name: str, pixels: np.ndarray) -> None:
        """Writes samples/NAME_STEP.png and the same for TensorBoard.

        Args:
          step: Steps taken.
          name: Of the picture; becomes part of a file name.
          pixels: uint8 [H, W] or [H, W, 3].
        """
        self._samples.mkdir(exist_ok=True)
        encoded = io.BytesIO()
        Image.fromarray(pixels).save(encoded, format="PNG")
        write_bytes(self._samples / f"{name}_{step:08d}.png", encoded.getvalue())
        self._events.add_image(name, pixels, step, dataformats="HW" if pixels.ndim == 2 else "HWC")

    def close(self) -> None:
        """Flushes and closes."""
        self._lines.close()
        self._events.close()


def _drop_after(run: RunDirectory, start: int) -> None:
    if not run.metrics.exists():
        return
    content = run.metrics.read_bytes()
    kept = b"".join(line for line in content.splitlines(keepends=True) if _is_kept(line, start))
    if kept != content:
        write_bytes(run.metrics, kept)


def _is_kept(line: bytes, start: int) -> bool:
    # A kill may have cut the last line short; it belongs to a step after the checkpoint.
    return line.endswith(b"\n") and json.loads(line)["step"] <= start
