"""Writes the embedded default data: an abdominal-CT phantom cohort with liver lesions.

lesion-jax phantom --out DIR

Real DICOM files, one series per patient, and DIR/lesions.csv, which `lesion-jax build` reads.
"""

from absl import flags

from lesion_jax.commands.config_flag import define_path


def define_flags(values: flags.FlagValues) -> None:
    """--out, --seed."""
    define_path(values, "out", "Folder to write; must not exist, or be empty.")
    flags.DEFINE_integer("seed", 0, "Seed of everything that is drawn.", lower_bound=0, flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Writes the cohort."""
    from lesion_jax.io.progress import progress_callback
    from lesion_jax.sources.phantom.write import write_phantom

    print(write_phantom(values.out, seed=values.seed, progress=progress_callback("phantom, patients")))
