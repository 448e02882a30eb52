"""The loop of one training, on one device or on many that share each batch; the host is one step ahead at most."""

from collections.abc import Callable, Iterator
from typing import Any

import jax

from lesion_jax.errors import DivergedError, Preempted
from lesion_jax.io.progress import Progress
from lesion_jax.runtime import parallel, preemption, processes
from lesion_jax.train.member import Member


def run_loop(
    step: Callable,
    state: Any,
    shared: Any,
    batches: Iterator[Any],
    *,
    start: int,
    devices: list[parallel.Device],
    member: Member,
    progress: Progress,
) -> int:
    """Trains from step `start` to the end.

    Args:
      step: From `parallel.over_devices`; donates its state.
      state: Replicated; what the caller holds is consumed.
      shared: What every step is given besides its batch: the root key of the run, and resident images.
      batches: One sharded batch for each step that is left, on the devices.
      start: Steps taken before.
      devices: Of the run.
      member: What is written, and when.
      progress: Told of every step.

    Returns:
      Steps taken: less than all where it ended with a collapse.

    Raises:
      DivergedError: A metric is not finite, or replicas hold different bits; the message names the step. No
        checkpoint is written at or after that step.
      Preempted: The process was asked to end; the step in flight has been taken and saved.
    """
    total = member.periods.total
    pending: tuple[int, Any] | None = None

    def settle() -> None:
        # Metrics are read one step late: the device is already busy with the next step.
        nonlocal pending
        if pending is None:
            return
        done, metrics = pending
        pending = None
        progress.update(done, member.log(done, {name: float(x) for name, x in jax.device_get(metrics).items()}))

    with preemption.deferred():
        for done in range(start + 1, total + 1):
            state, metrics = step(state, next(batches), shared)
            settle()
            pending = (done, metrics)
            stopping = preemption.requested(done) and done < total
            if not stopping and done < member.next_visit(done - 1):
                continue
            settle()
            _check_replicas(state, devices, done)
            if member.visit(done, parallel.first_replica(state), stopping=stopping):
                return done
            if stopping:
                member.wait()
                # A process that leaves tears the others down after a while: not before the first has saved.
                processes.meet()
                raise Preempted(preemption.describe())
    settle()
    return total


def _check_replicas(state: Any, devices: list[parallel.Device], done: int) -> None:
    # A step that forgets to average leaves a state that calls itself replicated and is not.
    if len(set(parallel.replica_checksums(state, devices).tolist())) > 1:
        raise DivergedError(
            f"Step {done}: the {len(devices)} devices hold different weights; this is a defect of lesion_jax or of a "
            "device: run on one device, and report it."
        )
