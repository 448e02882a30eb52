"""One writer at a time: a lock file that dies with its process.

The lock is the kernel's (flock), not the file: a file that a killed process left behind is no obstacle, on
whatever machine of a shared disk it ran. The file's content only says who holds it.
"""

import errno
import fcntl
import json
import logging
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lesion_jax.errors import LockedError

# `holder` takes the lock for a moment to see whether it can be had.
_PATIENCE_SECONDS = 0.2
_UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


@contextmanager
def locked(path: Path, *, what: Path) -> Iterator[None]:
    """Holds a lock while its block runs.

    Args:
      path: Lock file; its directory exists. It is removed at the end.
      what: Path that is being written, for the message.

    Raises:
      LockedError: Another process holds it; the message names that process.
      OSError: The file cannot be made.
    """
    descriptor = _acquire(path, what)
    try:
        content = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": time.strftime("%Y-%m-%d %H:%M:%S"),
            "command": " ".join(sys.argv),
        }
        os.ftruncate(descriptor, 0)
        os.write(descriptor, json.dumps(content).encode())
        yield
    finally:
        # Before the lock goes: whoever opened the file meanwhile sees that it is no longer the one in the directory.
        path.unlink(missing_ok=True)
        os.close(descriptor)


def require_unlocked(path: Path, *, what: Path) -> None:
    """Refuses what another process is writing, as `locked` would, before anything is computed for it.

    Args:
      path: Lock file; need not exist.
      what: Path that is to be written, for the message.

    Raises:
      LockedError: Another process holds it; the message names that process.
    """
    if (held := holder(path)) is not None:
        raise _taken(what, held)


def holder(path: Path) -> dict[str, Any] | None:
    """Who holds a lock.

    Args:
      path: Lock file; need not exist.

    Returns:
      {pid, host, since, command}, empty where they could not be read; None where nobody holds it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _content(descriptor)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    return None


def _acquire(path: Path, what: Path) -> int:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held = _content(descriptor)
            os.close(descriptor)
            if time.monotonic() < until:
                time.sleep(0.02)
                continue
            raise _taken(what, held) from None
        except OSError as error:
            if error.errno not in _UNSUPPORTED:
                os.close(descriptor)
                raise
            logging.getLogger(__name__).warning(
                "%s: this disk cannot lock files, so nothing keeps a second process from writing there.", what
            )
            return descriptor
        if _is_at(path, descriptor):
            return descriptor
        # Its holder removed it between the two calls: the lock is on a file that nobody else will find.
        os.close(descriptor)


def _taken(what: Path, held: dict[str, Any]) -> LockedError:
    by = f"process {held.get('pid', '?')} on {held.get('host', '?')} since {held.get('since', '?')}"
    return LockedError(f"{what} is being written by {by} ({held.get('command', '?')}); wait until it ends, or stop it.")


def _is_at(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _content(descriptor: int) -> dict[str, Any]:
    try:
        return json.loads(os.pread(descriptor, 4096, 0))
    except ValueError:
        # Taken, but not signed yet.
        return {}
