"""Starts one training, or continues it: the same command again carries on from the last checkpoint.

lesion-jax train --config configs/dcgan.py --config.data.dataset=DATASET --config.data.label=cyst --workdir RUN

RUN then holds config.json, provenance.json, metrics.jsonl, tensorboard/, samples/, checkpoints/ (the last two and
the best) and, at the end, DONE. SIGTERM and SIGUSR1 end it after the step in flight, saved, with exit status 75.

Several processes, one command each on a disk that all of them see; the first one writes:
lesion-jax train ... --coordinator=HOST:PORT --num_processes=2 --process_id=0    (and 1)
lesion-jax train ... --coordinator=auto    (on SLURM, a GKE JobSet or a TPU pod, which know the rest)
"""

from absl import flags

from lesion_jax.commands.config_flag import apply_deterministic, config_of, define_job
from lesion_jax.errors import ConfigError
from lesion_jax.io.run_directory import check_workdir


def define_flags(values: flags.FlagValues) -> None:
    """--config, --workdir, --deterministic, --coordinator, --num_processes, --process_id."""
    define_job(values)
    flags.DEFINE_string("coordinator", None, "HOST:PORT of process 0, or 'auto'.", flag_values=values)
    flags.DEFINE_integer("num_processes", None, "Number of processes of the run.", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("process_id", None, "Number of this process, from 0.", lower_bound=0, flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Trains."""
    # Of several processes the first one writes.
    check_workdir(values.workdir, will_write=values.coordinator is None)
    config = config_of(values, "train")
    apply_deterministic(values)
    from lesion_jax.runtime import processes
    from lesion_jax.train.run import train

    if values.coordinator is not None:
        processes.start(values.coordinator, values.num_processes, values.process_id)
    elif values.num_processes is not None or values.process_id is not None:
        raise ConfigError("--num_processes and --process_id need --coordinator=HOST:PORT.")
    fresh = train(config, values.workdir)
    if processes.is_first():
        print(f"{values.workdir}: {'trained' if fresh else 'was finished'}")
