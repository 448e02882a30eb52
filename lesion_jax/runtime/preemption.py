"""SIGTERM and SIGUSR1, which a cluster sends before it takes a machine away: end in order, to be run again.

Outside of a training loop the process ends at once, as if killed: everything there is either whole on disk or will be
made again. Inside `deferred` the loop asks now and then whether to end, and saves first.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lesion_jax.errors import Preempted

_received: str | None = None
_is_deferred = False
_agree: Callable[[int], bool] | None = None
_num_asked = 0


def install() -> None:
    """Takes over both signals; for an entry point, in the main thread."""
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, _receive)


def agree_by(agree: Callable[[int], bool]) -> None:
    """Lets the processes of a run end after the same step.

    Args:
      agree: Given a number that rises by one from question to question; true for all processes at one number after
        SIGTERM reached any, and brings a handler of its own. They agree on the number after the highest that any
        has come to: one that is left out is never agreed on again.
    """
    global _agree
    _agree = agree
    signal.signal(signal.SIGUSR1, lambda *_: os.kill(os.getpid(), signal.SIGTERM))


def _receive(number: int, _: Any) -> None:
    global _received
    _received = signal.Signals(number).name
    if not _is_deferred:
        # No exception: one that is raised while an extension is being imported crashes the interpreter, and one in a
        # callback is swallowed.
        sys.stderr.write(f"lesion-jax: {describe()}\n")
        sys.stderr.flush()
        os._exit(Preempted.exit_status)


@contextmanager
def deferred() -> Iterator[None]:
    """Inside the block a signal does not end the process; the block calls `requested`."""
    global _is_deferred
    _is_deferred = True
    try:
        yield
    finally:
        _is_deferred = False


def end_if_asked() -> None:
    """Ends where a signal came in a `deferred` block after its last call of `requested`.

    Raises:
      Preempted: One came.
    """
    if _received is not None:
        raise Preempted(describe())


def requested() -> bool:
    """Whether to end after the step that was taken; the processes of a run ask equally often."""
    global _num_asked
    _num_asked += 1
    return _received is not None if _agree is None else _agree(_num_asked)


def describe() -> str:
    """One sentence: what happened, and what to do."""
    return f"{_received or 'SIGTERM'} came, so it ended; nothing is lost, and the same command carries on."
