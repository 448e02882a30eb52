"""Draws synthetic images from a trained generator into a bank that carries its provenance.

lesion-jax sample --workdir RUN --num 1000 --out BANK

A classifier's data.banks names such banks; one whose generator saw other training patients is refused.
The same command again leaves the bank as it is. --drop_copies leaves out what copies a training lesion, turned,
mirrored or re-cropped: nearer to it than a third of the distance to any other. `lesion-jax evaluate --bank` says how
good the bank is.
"""

from absl import flags

from lesion_jax.commands.config_flag import define_checkpoint, define_path


def define_flags(values: flags.FlagValues) -> None:
    """--workdir, --num, --out, --dataset, --seed, --checkpoint, --drop_copies."""
    define_path(values, "workdir", "Run directory of a training that can draw, such as a DCGAN.")
    define_path(values, "out", "Directory of the bank.")
    text = "Where the run's dataset lies now, if it was moved; --drop_copies and what draws by real lesions read it."
    define_path(values, "dataset", text, required=False)
    flags.DEFINE_integer("num", None, "Images of each class that the run makes.", flag_values=values, required=True)
    flags.DEFINE_integer("seed", 0, "Seed of the drawing.", lower_bound=0, upper_bound=2**24, flag_values=values)
    define_checkpoint(values, "best")
    flags.DEFINE_bool("drop_copies", False, "Replace copies of training lesions by further images.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Draws."""
    from lesion_jax.inference.sample import draw_bank

    draw_bank(
        values.workdir,
        values.num,
        values.out,
        seed=values.seed,
        which=values.checkpoint,
        drop_copies=values.drop_copies,
        dataset=values.dataset,
    )
    print(values.out)
