"""Restores runs and scores them without training, or audits a bank: a table, or JSON with --json.

lesion-jax evaluate --workdir RUN --part test --predictions said.csv
lesion-jax evaluate --workdir RUN RUN ... --table scores.csv        or SWEEP, for every cell that has begun

What classifies is scored by every metric of predictions, what draws by every metric of images, against the original
images of those lesions; an ACGAN does both. Beside each metric of images stands "real": what lesions of the training
patients score in the place of synthetic ones. --checkpoint=auto takes the best one, but for an ACGAN's discriminator
the last, as the paper's report does: its best is chosen by its generator's images. Which one it was, and its step, is
printed and written beside every score.

Of several runs, of a sweep, a paper or a study, each is a row, with the settings in which they differ. --table writes
the rows as CSV or JSON, by its ending: score, low and high (95 % interval over patients) of each metric. --predictions
writes a row for each lesion: run, checkpoint, step, id, patient, label, predicted, probability_CLASS of each class.

lesion-jax evaluate --bank BANK --dataset DATASET --pairs pairs.png

Audits a bank, or several of one fold together (--bank CYST,METASTASIS). The first line says whether it is broken, and
why: images that are no lesions, images all alike, wrong labels, copies of training lesions. Then come the metrics; what
classifiers that saw real lesions alone see in its images, beside its labels; how many images are copies of training
lesions, turned, mirrored and re-cropped ones included; and what augmentation left in it. --part says which lesions it
is compared with.

From a script: `help(lesion_jax)` lists what does the same.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from absl import flags

from lesion_jax.commands.config_flag import PathParser, define_checkpoint, define_path
from lesion_jax.errors import ConfigError

if TYPE_CHECKING:
    from lesion_jax.inference.score_run import ScoredRun

# Words that are no flags belong to this flag: a shell makes several words of runs/*.
MORE_OF = "workdir"


def define_flags(values: flags.FlagValues) -> None:
    """--workdir, --bank, --dataset, --part, --checkpoint, --table, --predictions, --pairs, --json."""
    # Flags may follow the words of --workdir.
    values.set_gnu_getopt(True)
    runs = "Run directories, or that of a sweep, a paper or a study: all of its trainings."
    flags.DEFINE_multi(PathParser(), flags.ArgumentSerializer(), "workdir", [], runs, values)
    flags.DEFINE_list("bank", [], "Directories of banks to audit, in place of --workdir.", flag_values=values)
    where = "Where the run's dataset lies now, if it was moved; of a bank the dataset of its generator."
    define_path(values, "dataset", where, required=False)
    flags.DEFINE_enum("part", "test", ["test", "inner", "train"], "Which lesions.", flag_values=values)
    define_checkpoint(values, "auto")
    pairs = "With --bank: PNG to write, the closest pairs of synthetic images (above) and training lesions (below)."
    define_path(values, "pairs", pairs, required=False)
    define_path(values, "table", "CSV or JSON file to write: a row for each run.", required=False)
    define_path(values, "predictions", "CSV file to write: a row for each run and lesion.", required=False)
    flags.DEFINE_bool("json", False, "Print JSON instead of a table.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Scores, prints and writes."""
    if bool(values.bank) == bool(values.workdir):
        raise ConfigError("evaluate takes either --workdir or --bank; lesion-jax evaluate --help says what each is.")
    if values.bank:
        if values.table or values.predictions:
            raise ConfigError("--table and --predictions go with --workdir; a bank's numbers are printed, see --json.")
        _audit(values)
        return
    if values.pairs:
        raise ConfigError("--pairs goes with --bank; a run's images are first drawn with `lesion-jax sample`.")
    _check_file(values.table, "table", (".csv", ".json"))
    _check_file(values.predictions, "predictions", (".csv",))
    runs = _runs(values.workdir)
    if values.predictions:
        _check_classifies(runs)
    from lesion_jax.inference.score_run import score_runs
    from lesion_jax.inference.score_table import score_rows
    from lesion_jax.inference.text import describe, describe_rows

    scored = score_runs(runs, dataset=values.dataset, part=values.part, which=values.checkpoint)
    _write(values, scored)
    results = [one.result for one in scored]
    if values.json:
        print(json.dumps(results[0] if len(results) == 1 else results, indent=2))
    else:
        print(describe(results[0]) if len(results) == 1 else describe_rows(score_rows(scored)))


def _check_file(path: Path | None, flag: str, endings: tuple[str, ...]) -> None:
    # Now, not when all has been computed.
    if path is not None and (path.suffix not in endings or not path.parent.is_dir() or path.is_dir()):
        raise ConfigError(f"--{flag} is {path}; name a file that ends in {' or '.join(endings)}, in a folder there is.")


def _runs(paths: Sequence[Path]) -> list[Path]:
    """The trainings that the paths name; those of a sweep that have saved nothing yet are told and left out."""
    from lesion_jax.io.run_files import trainings_of
    from lesion_jax.io.saved_checkpoints import last_step

    found: list[Path] = []
    for path in paths:
        runs = trainings_of(path)
        saved = [run for run in runs if runs == [path] or last_step(run / "checkpoints") is not None]
        if len(saved) < len(runs) or not saved:
            left = f"{len(runs) - len(saved)} of {len(runs)} trainings have no checkpoint yet and are left out"
            print(f"lesion-jax evaluate: {path}: {left}.", file=sys.stderr)
        found += saved
    if not found:
        raise ConfigError(
            f"{', '.join(map(str, paths))}: no training has saved a checkpoint; there is nothing to score."
        )
    return found


def _check_classifies(runs: Sequence[Path]) -> None:
    from lesion_jax.families import family_of
    from lesion_jax.inference.load import load_run_config

    if all(family_of(load_run_config(run)).classify is None for run in runs):
        raise ConfigError("--predictions: no run of these classifies.")


def _write(values: flags.FlagValues, scored: "Sequence[ScoredRun]") -> None:
    from lesion_jax.core.csv_text import csv_text
    from lesion_jax.disk.atomic import write_bytes, write_json, writing
    from lesion_jax.inference.score_table import prediction_rows, score_rows

    if values.predictions:
        with writing(values.predictions):
            write_bytes(values.predictions, csv_text(list(prediction_rows(scored))).encode())
    if values.table:
        rows = score_rows(scored)
        with writing(values.table):
            if values.table.suffix == ".json":
                write_json(values.table, rows)
            else:
                write_bytes(values.table, csv_text(rows).encode())


def _audit(values: flags.FlagValues) -> None:
    from lesion_jax.inference.audit_files import audit_files
    from lesion_jax.inference.audit_text import describe_audit
    from lesion_jax.io.picture_file import write_picture

    if not values.dataset or values.part == "train":
        raise ConfigError("--bank needs --dataset, and --part test or inner: lesions that its generator did not see.")
    print(f"lesion-jax evaluate: audits {', '.join(values.bank)}; some ten seconds.", file=sys.stderr)
    found, picture = audit_files([Path(path) for path in values.bank], values.dataset, values.part)
    if values.pairs:
        write_picture(values.pairs, picture)
    print(json.dumps(found, indent=2) if values.json else describe_audit(found))
