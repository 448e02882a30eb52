"""What a process may have of its machine: open files, memory, addresses."""

import os
import resource

from lesion_jax.errors import ConfigError, RunError

# Libraries alone took 700 MiB of addresses where this was measured; commands 1.4 to 2 GiB.
_ADDRESSES = 2**30
# What a process has open besides: libraries, devices, logs and checkpoints under way.
_OTHERS = 256


def allow_open_files(num: int) -> None:
    """Raises this process's own limit, as far as the system lets it, to `num` files and what it has open anyway.

    Raises:
      RunError: The system's limit is lower.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = num + _OTHERS
    if soft == resource.RLIM_INFINITY or wanted <= soft:
        return
    if hard != resource.RLIM_INFINITY and wanted > hard:
        raise RunError(
            f"{num} trainings in one program keep as many files open, but a process may open {hard} here; raise it "
            "with `ulimit -n`, or make programs smaller with a lower device_memory."
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def require_addresses() -> None:
    """Refuses a limit under which libraries cannot be loaded: OpenBLAS then sends the process a Ctrl-C.

    Raises:
      ConfigError: Both numbers are told.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    if soft != resource.RLIM_INFINITY and soft < _ADDRESSES:
        raise ConfigError(
            f"A process may have {soft / 2**20:.0f} MiB of addresses here (ulimit -v), and this one needs "
            f"{_ADDRESSES / 2**20:.0f} at least; raise the limit."
        )


def memory_bytes() -> int:
    """Memory of this machine, bytes."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def require_memory(num_bytes: int, what: str) -> None:
    """Refuses what this machine cannot hold, before anything is made: later the system would end the process.

    Args:
      num_bytes: Bytes that will be held at once.
      what: Beginning of the message, which names the settings: "2 images (data.image_size is 9) take".

    Raises:
      ConfigError: The machine has less, used or not; both numbers are told.
    """
    if num_bytes > (there := memory_bytes()):
        raise ConfigError(f"{what} {num_bytes / 2**30:.4g} GiB of memory, but this machine has {there / 2**30:.4g}.")
