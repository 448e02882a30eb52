"""Restores a run and scores it without training, or audits a bank: a table, or JSON with --json.

lesion-jax evaluate --workdir RUN --part test

What classifies is scored by every metric of predictions, what draws by every metric of images, against the original
images of those lesions; an ACGAN does both. Beside each metric of images stands "real": what lesions of the training
patients score in the place of synthetic ones. --checkpoint=auto takes the best one, but for an ACGAN's discriminator
the last, as the paper's report does: its best is chosen by its generator's images.

lesion-jax evaluate --bank BANK --dataset DATASET --pairs pairs.png

Audits a bank, or several of one fold together (--bank CYST,METASTASIS). The first line says whether it is broken, and
why: images that are no lesions, images all alike, wrong labels, copies of training lesions. Then come the metrics; what
classifiers that saw real lesions alone see in its images, beside its labels; how many images are copies of training
lesions, turned, mirrored and re-cropped ones included; and what augmentation left in it. --part says which lesions it
is compared with.

From a script: `from lesion_jax import restore_classifier, restore_generator`.
"""

import json
from pathlib import Path

from absl import flags

from lesion_jax.commands.config_flag import define_checkpoint, define_path


def define_flags(values: flags.FlagValues) -> None:
    """--workdir, --bank, --dataset, --part, --checkpoint, --pairs, --json."""
    define_path(values, "workdir", "Run directory.", required=False)
    flags.DEFINE_list("bank", [], "Directories of banks to audit, in place of --workdir.", flag_values=values)
    where = "Where the run's dataset lies now, if it was moved; of a bank the dataset of its generator."
    define_path(values, "dataset", where, required=False)
    flags.DEFINE_enum("part", "test", ["test", "inner", "train"], "Which lesions.", flag_values=values)
    define_checkpoint(values, "auto")
    pairs = "With --bank: PNG to write, the closest pairs of synthetic images (above) and training lesions (below)."
    define_path(values, "pairs", pairs, required=False)
    flags.DEFINE_bool("json", False, "Print JSON instead of a table.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Scores and prints."""
    from lesion_jax.errors import ConfigError

    if bool(values.bank) == bool(values.workdir):
        raise ConfigError("evaluate takes either --workdir or --bank; lesion-jax evaluate --help says what each is.")
    if values.bank:
        _audit(values)
        return
    if values.pairs:
        raise ConfigError("--pairs goes with --bank; a run's images are first drawn with `lesion-jax sample`.")
    from lesion_jax.inference.score_run import score_run
    from lesion_jax.inference.text import describe

    result = score_run(
        values.workdir,
        dataset=values.dataset,
        part=values.part,
        which=values.checkpoint,
    )
    print(json.dumps(result, indent=2) if values.json else describe(result))


def _audit(values: flags.FlagValues) -> None:
    from lesion_jax.errors import ConfigError
    from lesion_jax.inference.audit_files import audit_files
    from lesion_jax.inference.audit_text import describe_audit
    from lesion_jax.io.picture_file import write_picture

    if not values.dataset or values.part == "train":
        raise ConfigError("--bank needs --dataset, and --part test or inner: lesions that its generator did not see.")
    found, picture = audit_files([Path(path) for path in values.bank], values.dataset, values.part)
    if values.pairs:
        write_picture(values.pairs, picture)
    print(json.dumps(found, indent=2) if values.json else describe_audit(found))
