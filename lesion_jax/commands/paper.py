"""Runs the paper's protocol: trainings with and without synthetic images, selection, tables, figures, report.

lesion-jax paper --config configs/smoke.py --workdir RUNS/smoke

Without --config.dataset it first makes the phantom and builds it below the workdir. Every training is a
run directory below WORKDIR/runs; a finished one is not repeated, so the same command again carries on.
Read WORKDIR/report/report.md.
"""

from absl import flags

from lesion_jax.commands.config_flag import (
    apply_deterministic,
    config_of,
    define_config,
    define_deterministic,
    define_workdir,
)
from lesion_jax.errors import ConfigError


def define_flags(values: flags.FlagValues) -> None:
    """--config, --workdir, --deterministic."""
    define_config(values)
    define_workdir(values)
    define_deterministic(values)


def run(values: flags.FlagValues) -> None:
    """Runs the protocol and names its report."""
    apply_deterministic(values)
    config = config_of(values)
    if config.kind != "paper":
        raise ConfigError(
            f"--config is of kind {config.kind!r}; it is not the protocol's; use `lesion-jax train` or `sweep`."
        )
    from lesion_jax.paper.run import run_paper
    from lesion_jax.runtime.compile_cache import keep_compiled

    keep_compiled(values.workdir / "compiled")

    print(run_paper(config, values.workdir))
