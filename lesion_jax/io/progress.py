"""One line that says how far a long job is, how fast, and when it ends."""

import sys
import time
from collections.abc import Callable
from typing import TextIO

# On a terminal the line is rewritten; in a log file it would be a line for every step.
_TERMINAL_SECONDS = 0.1
_LOG_SECONDS = 30.0


class Progress:
    """Shows the progress of one job on stderr.

    Attributes:
      rate: Done per second, when it was last shown; 0 before.
    """

    def __init__(
        self, total: int, label: str, *, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic
    ):
        """Prepares; prints nothing yet.

        Args:
          total: Value of `done` at the end.
          label: Begins the line.
          stream: Stream to print to; stderr by default.
          clock: Seconds, for tests.
        """
        self._total = total
        self._label = label
        self._stream = stream or sys.stderr
        self._clock = clock
        self._terminal = self._stream.isatty()
        self.rate = 0.0
        self._first: tuple[int, float] | None = None
        self._shown = -float("inf")
        self._width = 0

    def update(self, done: int, note: str = "") -> None:
        """Tells how many are done; prints when it is time to, and always at the end.

        Args:
          done: Rises; its first value only starts the clock, so that neither compilation nor
            what an earlier process did is counted as speed.
          note: Ends the line, for example a loss.
        """
        now = self._clock()
        if self._first is None:
            self._first = (done, now)
        interval = _TERMINAL_SECONDS if self._terminal else _LOG_SECONDS
        if done < self._total and now - self._shown < interval:
            return
        self._shown = now
        line = f"{self._label}: {done}/{self._total}{self._speed(done, now)}" + (f", {note}" if note else "")
        if self._terminal:
            # Blanks cover what is left of a longer line before.
            self._stream.write("\r" + line.ljust(self._width) + ("\n" if done >= self._total else ""))
            self._width = len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def skip(self, count: int) -> None:
        """Counts as done what need not be done; the speed leaves it out.

        Args:
          count: More of the total; `done` of the next update holds them.
        """
        if self._first is not None:
            self._first = (self._first[0] + count, self._first[1])

    def say(self, text: str) -> None:
        """Prints what happens before the first step."""
        self._stream.write(f"{self._label}: {text}\n")
        self._stream.flush()

    def _speed(self, done: int, now: float) -> str:
        assert self._first is not None
        count, seconds = done - self._first[0], now - self._first[1]
        if count <= 0 or seconds <= 0:
            return ""
        rate = self.rate = count / seconds
        pace = f"{rate:.1f}/s" if rate >= 1 else f"{1 / rate:.1f} s each"
        if done >= self._total:
            return f", {pace}, took {duration_text(seconds)}"
        return f", {pace}, {duration_text((self._total - done) / rate)} left"


def duration_text(seconds: float) -> str:
    """Seconds as "59 s", "2:05 min" or "3:10 h"."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60}:{whole % 60:02d} min"
    return f"{whole // 3600}:{whole % 3600 // 60:02d} h"


def progress_callback(label: str) -> Callable[[int, int], None]:
    """f(done, total) that shows the progress of a job whose length is known only once it runs, and may change.

    Args:
      label: Begins the line.
    """
    shown: dict[int, Progress] = {}

    def update(done: int, total: int) -> None:
        if total not in shown:
            shown[total] = Progress(total, label)
        shown[total].update(done)

    return update
