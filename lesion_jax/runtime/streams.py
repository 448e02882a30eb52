"""Standard streams that may be closed, full or unread: progress must not end a job, and output ends it in order."""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any


class OutputLostError(Exception):
    """What a command prints cannot be written any more; the cause is the OSError that said so."""


class _Stream:
    """A text stream that notices when it cannot be written to, and from then on throws away what it is given."""

    def __init__(self, stream: Any, *, must_arrive: bool):
        """Wraps a stream.

        Args:
          stream: A text stream.
          must_arrive: Whether a loss is an error rather than something to go on without.
        """
        self._stream = stream
        self._must_arrive = must_arrive

    def write(self, text: str) -> int:
        """As of any text stream."""
        with self._noticing():
            return self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """As of any text stream."""
        with self._noticing():
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        """Everything else is the stream's own."""
        return getattr(self._stream, name)

    @contextlib.contextmanager
    def _noticing(self) -> Iterator[None]:
        try:
            yield
        # ValueError: it was closed.
        except (OSError, ValueError) as error:
            _throw_away(self._stream)
            if self._must_arrive:
                raise OutputLostError from error


def _throw_away(stream: Any) -> None:
    """Lets what a stream still holds go nowhere: Python flushes it as it ends, and would complain."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)


@contextlib.contextmanager
def guarded() -> Iterator[None]:
    """Inside the block stderr goes on whatever becomes of it, and stdout raises OutputLostError once.

    Streams that were closed before the process began are opened to nowhere: the next file would get their number, and
    what is said by a library that knows nothing of Python's streams would be written into it. Text that a stream's
    encoding does not hold is written with backslashes.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # The lowest free number, which is this one.
            os.open(os.devnull, os.O_RDWR)
    for name, number in (("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "w", closefd=False))
        if hasattr(stream := getattr(sys, name), "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    stdout: Any = _Stream(sys.stdout, must_arrive=True)
    stderr: Any = _Stream(sys.stderr, must_arrive=False)
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        yield
