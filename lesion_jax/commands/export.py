"""Writes the networks of a run for other frameworks: arrays, and a description that suffices to compute with them.

lesion-jax export --workdir RUN --out DIR

DIR/model.safetensors holds the arrays, DIR/model.json the layers in order, inputs, outputs, how an image is made from a
CT, the score and provenance, and DIR/example.safetensors inputs with their outputs, to test other software by. Of a
GAN both networks are written, the generator as the moving average that `lesion-jax sample` draws with.

From a script: `from lesion_jax import load_export`, which needs numpy and safetensors alone and computes the example.
"""

from absl import flags

from lesion_jax.commands.config_flag import define_checkpoint, define_path


def define_flags(values: flags.FlagValues) -> None:
    """--workdir, --out, --checkpoint."""
    define_path(values, "workdir", "Run directory.")
    define_path(values, "out", "Directory of the export; must not exist.")
    define_checkpoint(values, "best")


def run(values: flags.FlagValues) -> None:
    """Exports."""
    from lesion_jax.inference.export import export_run

    export_run(values.workdir, values.out, values.checkpoint)
    print(values.out)
