"""Signals that ask a process to end, to be run again: SIGTERM and SIGUSR1 of a cluster, SIGINT of Ctrl-C.

Outside of a training loop the process ends at once, as if killed: everything there is either whole on disk or will be
made again. Inside `deferred` the loop asks now and then whether to end, and saves first; who presses Ctrl-C a second
time does not wait for that.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from lesion_jax.errors import Preempted

# What a shell reports of a program that SIGINT ended.
INTERRUPTED = 130

_received: signal.Signals | None = None
_is_deferred = False
_agree: Callable[[int], bool] | None = None
_num_asked = 0


@contextmanager
def installed() -> Iterator[None]:
    """Takes over the signals; for an entry point. Ctrl-C is given back at the end of the block.

    SIGINT is left alone where it is ignored, as a shell does for what runs in the background; all of them in a thread
    that is not the main one, which alone may take them over.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    for number in (signal.SIGTERM, signal.SIGUSR1):
        signal.signal(number, _receive)
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, _receive)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


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
    is_again = _received is signal.SIGINT and number == signal.SIGINT
    _received = signal.Signals(number)
    # Of several processes each would stop after a step of its own: only SIGTERM is agreed on.
    is_alone = number == signal.SIGINT and _agree is not None
    if not _is_deferred or is_again or is_alone:
        # No exception: one that is raised while an extension is being imported, or JAX compiles, crashes the
        # interpreter, and one in a callback is swallowed.
        _say(str(preempted()))
        os._exit(preempted().exit_status)
    if number == signal.SIGINT:
        _say("Ctrl-C came: it ends after the step in flight, saved; a second one ends it at once.")


def _say(text: str) -> None:
    # Not by sys.stderr, which may be in the middle of a line.
    with contextlib.suppress(OSError):
        os.write(2, f"lesion-jax: {text}\n".encode())


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
        raise preempted()


def requested() -> bool:
    """Whether to end after the step that was taken; the processes of a run ask equally often."""
    global _num_asked
    _num_asked += 1
    return _received is not None if _agree is None else _agree(_num_asked)


def preempted() -> Preempted:
    """What to raise: its sentence says what happened and what to do."""
    number = _received or signal.SIGTERM
    came = "Ctrl-C" if number == signal.SIGINT else number.name
    status = INTERRUPTED if number == signal.SIGINT else Preempted.exit_status
    return Preempted(f"{came} came, so it ended; nothing is lost, and the same command carries on.", status)
