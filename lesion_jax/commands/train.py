"""Starts one training, or continues it: the same command again carries on from the last checkpoint.

lesion-jax train --config configs/dcgan.py --config.data.dataset=DATASET --config.data.label=cyst --workdir RUN

RUN then holds config.json, provenance.json, metrics.jsonl, tensorboard/, samples/, checkpoints/ (last and
best) and, at the end, DONE.
"""

from absl import flags

from lesion_jax.commands.config_flag import config_of, define_config, define_workdir
from lesion_jax.config import PaperConfig
from lesion_jax.errors import ConfigError


def define_flags(values: flags.FlagValues) -> None:
    """--config, --workdir."""
    define_config(values)
    define_workdir(values)


def run(values: flags.FlagValues) -> None:
    """Trains."""
    config = config_of(values)
    if isinstance(config, PaperConfig):
        raise ConfigError("--config is of kind 'paper'; run it with `lesion-jax paper`.")
    from lesion_jax.train.run import train

    fresh = train(config, values.workdir)
    print(f"{values.workdir}: {'trained' if fresh else 'was finished'}")
