"""How many files a process may hold open."""

import resource

from lesion_jax.errors import RunError

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
