"""Trains the tiny cohort in a process of its own: python -m tests.train.process WORKDIR KIND [--options]."""

import argparse
import dataclasses
import itertools
import json
import os
import signal
import sys
from pathlib import Path


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("workdir", type=Path)
    parser.add_argument("kind", choices=["dcgan", "acgan", "classifier"])
    parser.add_argument(
        "--num_devices",
        type=int,
        default=4,
        help="of this process; XLA divides its threads by it, which changes last bits",
    )
    parser.add_argument("--changes", type=json.loads, default={}, help="fields of the config, and of its data and loop")
    parser.add_argument("--signal_at", type=int, nargs=2, help="step and number of a signal that it sends itself")
    parser.add_argument("--dead_after", type=int, help="seconds until one that says nothing is taken for dead")
    parser.add_argument("--memory", type=int, help="bytes that its devices say they have")
    parser.add_argument("--processes", nargs=3, help="coordinator, how many, which")
    flags = parser.parse_args()
    from tests.xla import compile_fast

    compile_fast(flags.num_devices)
    from lesion_jax.runtime.cpu import leave_convolutions_to_eigen

    # As the suite and every command do: other convolutions are other bits.
    leave_convolutions_to_eigen()
    from lesion_jax.errors import LesionJaxError, Preempted
    from lesion_jax.io.saved_checkpoints import last_step
    from lesion_jax.runtime import parallel, preemption, processes
    from lesion_jax.train.run import train
    from tests.train.tiny import cohort, configs

    # To the end of the process.
    preemption.installed().__enter__()
    if flags.dead_after is not None:
        processes.DEAD_AFTER_SECONDS = flags.dead_after
    if flags.processes:
        coordinator, num_processes, process_id = flags.processes
        processes.start(coordinator, int(num_processes), int(process_id))
    if flags.signal_at:
        step, number = flags.signal_at
        requested, start = preemption.requested, last_step(flags.workdir / "checkpoints") or 0
        # A CPU is asked to take one step at a time.
        taken = itertools.count(start + 1)

        def kill_at():
            if next(taken) == step:
                os.kill(os.getpid(), number)
            return requested()

        preemption.requested = kill_at
    if flags.memory is not None:
        parallel.memory_bytes = lambda device: flags.memory
    config = configs()[flags.kind]
    if flags.processes:
        config = dataclasses.replace(config, num_devices=0)
    for name, values in flags.changes.items():
        part = getattr(config, name)
        values = dataclasses.replace(part, **values) if dataclasses.is_dataclass(part) else values
        config = dataclasses.replace(config, **{name: values})
    try:
        train(config, flags.workdir, cohort=cohort())
    except (LesionJaxError, Preempted) as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_status)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
