"""Restores a run and scores it without training: a table, or JSON with --json.

lesion-jax evaluate --workdir RUN --part test

What classifies is scored by every metric of predictions, what draws by every metric of images, against the original
images of those lesions; an ACGAN does both. --checkpoint=auto takes the best one, but for an ACGAN's discriminator the
last, as the paper's report does: its best is chosen by its generator's images.

From a script: `from lesion_jax import restore_classifier, restore_generator`.
"""

import json

from absl import flags

from lesion_jax.commands.config_flag import define_checkpoint, define_path


def define_flags(values: flags.FlagValues) -> None:
    """--workdir, --dataset, --part, --checkpoint, --json."""
    define_path(values, "workdir", "Run directory.")
    define_path(values, "dataset", "Where the run's dataset lies now, if it was moved.", required=False)
    flags.DEFINE_enum("part", "test", ["test", "inner", "train"], "Which lesions.", flag_values=values)
    define_checkpoint(values, "auto")
    flags.DEFINE_bool("json", False, "Print JSON instead of a table.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Scores and prints."""
    from lesion_jax.inference.score_run import score_run
    from lesion_jax.inference.text import describe

    result = score_run(
        values.workdir,
        dataset=values.dataset,
        part=values.part,
        which=values.checkpoint,
    )
    print(json.dumps(result, indent=2) if values.json else describe(result))
