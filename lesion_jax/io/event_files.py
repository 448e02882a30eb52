"""TensorBoard's event files of a run: whoever reads them sees its history once, whole and in order.

A run that was killed, or that fell back to an older checkpoint, has written events of steps that it takes again. They
are taken out of its files; TensorBoard, which may have read them, is told so by the next file.
"""

import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tensorboardX.proto import event_pb2
from tensorboardX.record_writer import RecordWriter

from lesion_jax.disk.atomic import write_bytes

# Any: a generated module, whose classes appear when it is imported.
_proto: Any = event_pb2
_PREFIX = "events.out.tfevents."
# Of a record: length and its checksum before the content, another behind it.
_HEAD, _TAIL = 12, 4


class EventFile:
    """A new file of events, after those that there are; `close` it."""

    def __init__(self, folder: Path, start: int):
        """Drops what earlier files hold of steps after `start`, and opens a file that is read after them.

        Args:
          folder: Exists.
          start: Steps that the run has taken when it begins to write.

        Raises:
          OSError: The disk does not take it, as in everything below.
        """
        there = sorted(folder.glob(f"{_PREFIX}*"))
        for path in there:
            _drop_after(path, start)
        # Files are read in the order of their names: a clock that went back must not put the new one first.
        stamps = [int(word) for path in there if (word := path.name.removeprefix(_PREFIX).split(".")[0]).isdecimal()]
        stamp = max([int(time.time()), *(stamp + 1 for stamp in stamps)])
        # Not SummaryWriter: it writes in a thread, which dies on a full disk with a traceback, and after ten more
        # events everything waits for it.
        self._events = RecordWriter(str(folder / f"{_PREFIX}{stamp}.{socket.gethostname()}.from{start}"))
        self.add(0, file_version="brain.Event:2")
        # Tells a TensorBoard that is looking to forget what an interrupted run wrote from this step on.
        self.add(start + 1, session_log=_proto.SessionLog(status=_proto.SessionLog.START))
        self.flush()

    def add(self, step: int, **content: Any) -> None:
        """Writes an event: a summary, or another field of TensorBoard's Event."""
        self._events.write(_proto.Event(step=step, wall_time=time.time(), **content).SerializeToString())

    def flush(self) -> None:
        """Lets readers see what was written."""
        self._events.flush()

    def close(self) -> None:
        """Closes the file."""
        self._events.close()


def _drop_after(path: Path, start: int) -> None:
    content = path.read_bytes()
    kept = b"".join(record for record, event in _records(content) if event.step <= start or not event.summary.value)
    if kept != content:
        write_bytes(path, kept)


def _records(content: bytes) -> Iterator[tuple[bytes, Any]]:
    """(record, its event) of a file, up to where a kill has cut it short or a disk spoilt it."""
    at = 0
    while at + _HEAD + _TAIL <= len(content):
        (size,) = struct.unpack_from("<Q", content, at)
        record = content[at : at + _HEAD + size + _TAIL]
        if len(record) < _HEAD + size + _TAIL:
            return
        try:
            event = _proto.Event.FromString(record[_HEAD:-_TAIL])
        except Exception:  # protobuf's DecodeError is of another module in each of its implementations.
            return
        yield record, event
        at += len(record)
