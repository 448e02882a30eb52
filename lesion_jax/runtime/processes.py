"""Runs of several processes: JAX's own runtime, and the little that the processes tell each other."""

import hashlib
import sys
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from lesion_jax.errors import ConfigError
from lesion_jax.runtime import preemption

# A process that another one waits for in vain for so long takes it for dead, and ends.
DEAD_AFTER_SECONDS = 30


def start(coordinator: str, num_processes: int | None, process_id: int | None) -> None:
    """Joins the processes of a run; before anything else of JAX.

    When one of them dies, the others end within DEAD_AFTER_SECONDS, with JAX's message that another task died and
    a status that is not 0.

    Args:
      coordinator: HOST:PORT that process 0 opens; "auto" asks the cluster (SLURM, a GKE JobSet, a TPU pod).
      num_processes: Number of processes; None with "auto".
      process_id: Number of this process, from 0; None with "auto".

    Raises:
      ConfigError: The three do not fit together, or there is no cluster to ask.
    """
    if (coordinator == "auto") != (num_processes is None) or (num_processes is None) != (process_id is None):
        raise ConfigError(
            f"coordinator is {coordinator!r}, num_processes {num_processes} and process_id {process_id}; give all "
            "three, or coordinator=auto alone on a cluster that JAX knows."
        )
    if num_processes is not None and process_id is not None and not 0 <= process_id < num_processes:
        raise ConfigError(
            f"process_id is {process_id}; with num_processes {num_processes} it lies in [0, {num_processes})."
        )
    print(
        f"process {process_id}: joining the others at {coordinator}, for up to 5 minutes", file=sys.stderr, flush=True
    )
    jax.config.update("jax_enable_preemption_service", True)
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
    try:
        jax.distributed.initialize(
            None if coordinator == "auto" else coordinator,
            num_processes,
            process_id,
            heartbeat_timeout_seconds=DEAD_AFTER_SECONDS,
            shutdown_timeout_seconds=DEAD_AFTER_SECONDS,
        )
    except ValueError as error:
        raise ConfigError(f"coordinator is {coordinator!r}: {error}") from error
    preemption.agree_by(multihost_utils.reached_preemption_sync_point)


def count() -> int:
    """Processes of this run; 1 where `start` was not called. Does not start a backend."""
    return jax.process_count() if jax.distributed.is_initialized() else 1


def is_first() -> bool:
    """Whether this is the process that writes."""
    return count() == 1 or jax.process_index() == 0


def from_first(tree: Any) -> Any:
    """What the first process holds, on every process.

    Args:
      tree: Tree of host arrays and numbers; the same structure, shapes and dtypes everywhere.

    Returns:
      The first process's, as host arrays; with one process `tree` itself.
    """
    return tree if count() == 1 else multihost_utils.broadcast_one_to_all(tree)


def agree(text: str) -> bool:
    """Whether all processes pass the same text; each of them gets the answer.

    Args:
      text: Text of any length, such as a digest.
    """
    words = np.frombuffer(hashlib.sha256(text.encode()).digest(), np.uint32)
    return count() == 1 or bool((multihost_utils.process_allgather(words) == words).all())


def meet() -> None:
    """Returns when every process has come here."""
    if count() > 1:
        multihost_utils.sync_global_devices("lesion_jax")
