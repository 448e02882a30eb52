"""Shows what exactly made a run, how far it is, and what came of it; writes nothing.

lesion-jax show --workdir RUN

State, best score, pictures, code, versions, devices, fingerprints of data and splits, parent runs, config. The digest
of the newest checkpoint's arrays tells at a glance whether two runs are the same. --json prints all of it. Of a sweep
it is its cells, as `lesion-jax sweep --status` prints them.
"""

import json

from absl import flags

from lesion_jax.commands.config_flag import define_path


def define_flags(values: flags.FlagValues) -> None:
    """--workdir, --json."""
    define_path(values, "workdir", "Run directory of a training, of the whole protocol, a study or a sweep.")
    flags.DEFINE_bool("json", False, "Print JSON instead of text.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Prints."""
    if (values.workdir / "sweep.json").exists():
        from lesion_jax.sweep.status import cell_rows, describe_sweep, open_sweep

        sweep = open_sweep(values.workdir)
        rows = cell_rows(sweep)
        print(json.dumps(rows, indent=2) if values.json else describe_sweep(sweep, rows))
        return
    from lesion_jax.io.summary import describe_run, summarise

    summary = summarise(values.workdir)
    print(json.dumps(summary, indent=2) if values.json else describe_run(summary))
