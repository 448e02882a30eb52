"""Shows what exactly made a run, a dataset or a bank, how far it is, and what came of it; writes nothing.

lesion-jax show --workdir RUN

State, best score, pictures, code, versions, devices, fingerprints of data and splits, parent runs, config. The digest
of the newest checkpoint's arrays tells at a glance whether two runs are the same. --json prints all of it. Of a sweep
it is its cells, as `lesion-jax sweep --status` prints them.

lesion-jax show --dataset DATASET
lesion-jax show --bank BANK

A dataset's classes, patients, sizes, tags, folds and notes; a bank's images by class and where they come from.
"""

import json
from pathlib import Path
from typing import Any

from absl import flags

from lesion_jax.commands.config_flag import define_path
from lesion_jax.errors import ConfigError


def define_flags(values: flags.FlagValues) -> None:
    """--workdir, --dataset, --bank, --json."""
    what = "Run directory of a training, of the whole protocol, a study or a sweep."
    define_path(values, "workdir", what, required=False)
    define_path(values, "dataset", "Folder that `lesion-jax build` wrote.", required=False)
    define_path(values, "bank", "Directory that `lesion-jax sample` wrote.", required=False)
    flags.DEFINE_bool("json", False, "Print JSON instead of text.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Prints."""
    named = {name: path for name in _SHOWN if (path := values[name].value)}
    if len(named) != 1:
        given = f"{' and '.join(f'--{name}' for name in named)} are given" if named else "nothing is named"
        raise ConfigError(f"{given}; name one of --workdir, --dataset and --bank.")
    ((name, path),) = named.items()
    facts, text = _SHOWN[name](path)
    print(json.dumps(facts, indent=2) if values.json else text)


def _run(path: Path) -> tuple[Any, str]:
    if (path / "sweep.json").exists():
        from lesion_jax.sweep.directory import open_sweep
        from lesion_jax.sweep.status import cell_rows, describe_sweep

        sweep = open_sweep(path)
        rows = cell_rows(sweep)
        return rows, describe_sweep(sweep, rows)
    from lesion_jax.io.summary import describe_run, summarise

    summary = summarise(path)
    return summary, describe_run(summary)


def _dataset(path: Path) -> tuple[dict[str, Any], str]:
    from lesion_jax.data.summary import describe_dataset

    return describe_dataset(path)


def _bank(path: Path) -> tuple[dict[str, Any], str]:
    from lesion_jax.data.summary import describe_bank

    return describe_bank(path)


_SHOWN = {"workdir": _run, "dataset": _dataset, "bank": _bank}
