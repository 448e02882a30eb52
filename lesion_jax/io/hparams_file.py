"""One training as TensorBoard's hparams plugin shows it: a row of settings and what came of them."""

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import tensorboardX.summary
from tensorboardX.proto import event_pb2
from tensorboardX.record_writer import RecordWriter

# A name of its own, so that the file of an earlier time is replaced.
_NAME = "events.out.tfevents.0.hparams"
# TensorBoard must not read it before it is whole.
_UNFINISHED = ".hparams.part"
# Any: a generated module, whose classes appear when it is imported.
_proto: Any = event_pb2


def write_hparams(folder: Path, settings: Mapping[str, Any], metrics: Mapping[str, float], *, step: int) -> None:
    """Writes the events file of a training, whole or not at all.

    Args:
      folder: Its own folder below the one that is given to TensorBoard; made if absent.
      settings: Name -> number, text or bool; anything else as JSON; None is left out.
      metrics: Name -> finite number.
      step: Steps taken when they were found.

    Raises:
      OSError: The disk does not take it.
    """
    shown = {
        name: value if isinstance(value, str | bool | int | float) else json.dumps(value)
        for name, value in settings.items()
        if value is not None
    }
    folder.mkdir(parents=True, exist_ok=True)
    events = RecordWriter(str(folder / _UNFINISHED))

    def add(**content: Any) -> None:
        events.write(_proto.Event(wall_time=time.time(), **content).SerializeToString())

    add(file_version="brain.Event:2")
    experiment, begin, end = tensorboardX.summary.hparams(shown, dict(metrics))
    add(summary=experiment)
    add(summary=begin)
    for name, value in metrics.items():
        add(step=step, summary=tensorboardX.summary.scalar(name, value))
    add(summary=end)
    events.close()
    os.replace(folder / _UNFINISHED, folder / _NAME)
