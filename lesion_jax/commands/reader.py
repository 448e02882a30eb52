"""Makes a reader study, or scores one: can people tell synthetic images from real ones, and which class do they see?

lesion-jax reader --out DIR --dataset DATASET --bank BANK [--bank BANK ...]
lesion-jax reader --score answers*.json --key DIR/key.json

DIR/reader.html is one file that works offline in any browser: real and synthetic images in random order, answered by
keyboard, ending with a file of answers. Give readers that file and nothing else; DIR/key.json knows the truth.

Real images are test lesions of the folds that the banks were drawn for, as the generator would have seen them, and both
are shown alike; `--num_real` and `--num_synthetic` of each class, best as many of both. The banks hold every class.

Scores: accuracy of real against synthetic and of the class, on real and on synthetic images, each with a 95 % interval
beside always giving the most frequent answer; per class; confusion; agreement of the readers; the images that fooled
them. They are printed, and stand in DIR/scores (or --out) as scores.txt, scores.json and pictures. --partial scores
what is answered in unfinished sessions. Answers carry a checksum, which notices a slip of the hand but no forger: all
that the page does is open to its reader.
"""

from absl import flags

from lesion_jax.commands.config_flag import PathParser, define_path
from lesion_jax.errors import ConfigError

# Words that are no flags belong to this flag: a shell makes several words of answers*.json.
MORE_OF = "score"


class _WindowParser(flags.ArgumentParser):
    syntactic_help = "two numbers, LOW,HIGH"

    def parse(self, argument: str) -> tuple[float, float]:
        try:
            low, high = map(float, str(argument).split(","))
        except ValueError:
            raise ValueError(f"must be {self.syntactic_help}") from None
        return low, high


def define_flags(values: flags.FlagValues) -> None:
    """--out, --dataset, --bank, counts and looks of a study; --score, --key, --partial."""
    # Flags may follow the words of --score.
    values.set_gnu_getopt(True)
    define_path(values, "out", "New directory of the study; with --score, directory of the scores.", required=False)
    define_path(values, "dataset", "Dataset of the real images, by `lesion-jax build`.", required=False)
    flags.DEFINE_multi(
        PathParser(), flags.ArgumentSerializer(), "bank", [], "Bank of synthetic images; may be repeated.", values
    )
    flags.DEFINE_integer("num_real", 10, "Real images of each class.", lower_bound=1, flag_values=values)
    flags.DEFINE_integer("num_synthetic", 10, "Synthetic images of each class.", lower_bound=1, flag_values=values)
    flags.DEFINE_enum("part", "test", ["test", "inner", "train"], "Whose real images.", flag_values=values)
    flags.DEFINE(
        _WindowParser(),
        "window",
        None,
        "LOW,HIGH in the dataset's unit: what becomes black and white. The banks' own by default.",
        flag_values=values,
    )
    flags.DEFINE_integer(
        "zoom",
        None,
        "Screen pixels per image pixel; by default images are about 400 wide.",
        lower_bound=1,
        flag_values=values,
    )
    flags.DEFINE_integer(
        "seed",
        None,
        "Seed of choice and order, a secret; by default a random one.",
        lower_bound=0,
        flag_values=values,
    )
    flags.DEFINE_multi(PathParser(), flags.ArgumentSerializer(), "score", [], "Files of answers, by the page.", values)
    define_path(values, "key", "The study's key.json.", required=False)
    flags.DEFINE_bool("partial", False, "Score the answered images of unfinished sessions.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Writes a study, or scores."""
    if values.score:
        _require(values, "key")
        from lesion_jax.reader.report import write_scores

        print(write_scores(values.key, values.score, values.out or values.key.parent / "scores", values.partial))
        return
    _require(values, "out", "dataset", "bank")
    from lesion_jax.reader.write import KEY_NAME, PAGE_NAME, ReaderConfig, write_study

    config = ReaderConfig(
        num_real=values.num_real,
        num_synthetic=values.num_synthetic,
        part=values.part,
        window=values.window,
        zoom=values.zoom,
        seed=values.seed,
    )
    write_study(values.out, values.dataset, values.bank, config)
    print(
        f"{values.out / PAGE_NAME}: give readers this file and nothing else.\n"
        f"{values.out / KEY_NAME}: keep it from them; lesion-jax reader --score answers*.json --key "
        f"{values.out / KEY_NAME}"
    )


def _require(values: flags.FlagValues, *names: str) -> None:
    if missing := [name for name in names if not values[name].value]:
        raise ConfigError(f"--{missing[0]} is missing; lesion-jax reader --help says what it is.")
