"""Trains many cells: a grid, a zip, random draws or a list over any fields, in as few compiled programs as they need.

lesion-jax sweep --config configs/sweep.py --config.base.data.dataset=DATASET --workdir SWEEP
lesion-jax sweep --workdir SWEEP --status      every cell: state, step, score, why it failed; what is left
lesion-jax sweep --workdir SWEEP --collect     SWEEP/cells.csv, cells.json, cells.jsonl, scores.png;
                                               settings.csv: means over seeds and folds, the best first;
                                               hparams/: tensorboard --logdir SWEEP/hparams
lesion-jax sweep --workdir SWEEP --collect --part test     the same, with scores on each cell's test fold

On a cluster each task of an array trains one program; `lesion-jax plan` says how many there are:
lesion-jax sweep --config ... --workdir SWEEP --index I        I from 0; see launch/array.sbatch

Give the same command, or submit the same array, at any time again: what is finished is skipped, what was interrupted
resumes, and what another process trains is refused. Cells that diverge end the command that saw it with status 3, once;
they stay as they are, and the sweep is done without them. Remove SWEEP/cells/NNNN to train one again. SWEEP/cells/NNNN
are run directories: `show`, `evaluate`, `sample` and `export` take them.

A sweep grows: give the command with more values, seeds, draws or cells in its config, or with a longer
base.loop.duration, and only what is new is trained. Cells that there are keep their directories; new ones come after
them. A config that lacks a cell that there is, or a shorter one, is refused, as is any growth under halving.
"""

import json

from absl import flags

from lesion_jax.commands.config_flag import apply_deterministic, config_of, define_job
from lesion_jax.disk.lock import require_unlocked
from lesion_jax.errors import ConfigError, DivergedError
from lesion_jax.io.run_directory import check_workdir


def define_flags(values: flags.FlagValues) -> None:
    """--config, --workdir, --index, --status, --collect, --part, --json, --deterministic."""
    define_job(values, config_required=False)
    flags.DEFINE_integer("index", None, "Train only this program.", lower_bound=0, flag_values=values)
    flags.DEFINE_bool("status", False, "Show how far the sweep of --workdir is, and end.", flag_values=values)
    flags.DEFINE_bool("collect", False, "Write tables and a picture of what there is, and end.", flag_values=values)
    part = "With --collect: score every cell on these lesions too, as `evaluate` does."
    flags.DEFINE_enum("part", None, ["test", "inner", "train"], part, flag_values=values)
    flags.DEFINE_bool("json", False, "With --status: as JSON.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Trains, or tells."""
    apply_deterministic(values)
    if values.part and not values.collect:
        raise ConfigError("--part goes with --collect: it says on which lesions cells are scored for its tables.")
    if values.status or values.collect:
        from lesion_jax.sweep.collect import collect
        from lesion_jax.sweep.directory import open_sweep
        from lesion_jax.sweep.status import cell_rows, describe_sweep

        sweep = open_sweep(values.workdir)
        if values.collect:
            print(*collect(sweep, values.part).values(), sep="\n")
        if values.status:
            rows = cell_rows(sweep)
            print(json.dumps(rows, indent=2) if values.json else describe_sweep(sweep, rows))
        return
    if values.config is None:
        raise ConfigError("--config is missing; name a file such as configs/sweep.py, or ask for --status.")
    check_workdir(values.workdir)
    # What another process trains is refused before anything is computed for it.
    number = "*" if values.index is None else f"{values.index:04d}"
    for lock in sorted((values.workdir / "programs").glob(f"{number}.lock")):
        require_unlocked(lock, what=lock.with_suffix(""))
    config = config_of(values, "sweep")
    from lesion_jax.runtime.compile_cache import keep_compiled
    from lesion_jax.sweep.run import run_sweep

    keep_compiled(values.workdir / "compiled")
    failed = run_sweep(config, values.workdir, index=values.index)
    if before := sum(1 for _ in values.workdir.glob("cells/*/FAILED")) - failed:
        print(f"{values.workdir}: {before} cells had diverged before, and stay as they are.")
    print(f"{values.workdir}: trained; lesion-jax sweep --workdir {values.workdir} --collect gathers what came of it.")
    if failed:
        raise DivergedError(
            f"{failed} cells diverged; lesion-jax sweep --workdir {values.workdir} --status says which and why."
        )
