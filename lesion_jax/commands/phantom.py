"""Writes the phantom: an abdominal-CT cohort with liver lesions, of which nobody was a patient.

lesion-jax phantom --out DIR

Real DICOM files, one series per patient, and DIR/lesions.csv, which `lesion-jax build` reads.

lesion-jax phantom --dataset --out DATASET --num_lesions=cyst=667,metastasis=667,hemangioma=666

lesion-jax phantom --dataset --out DATASET --num_test_lesions=cyst=480,metastasis=480,hemangioma=480 --test_offset_hu=15

A dataset at once, without files, perhaps with a test set of other patients and another scanner, tagged `split`: of each
slice only the part around a lesion is drawn. The patients are others than the DICOM files', whatever the seed. Both
ways remember that they are a phantom, and which one.

lesion-jax phantom --dataset --out DATASET --num_test_lesions=cyst=480,metastasis=480,hemangioma=480 \
  --test_offset_hu=15 --test_scanner_shares=cyst=0.05,metastasis=0.05,hemangioma=0.95

A class that is confounded with a scanner: nearly all hemangiomas are trained on as the second scanner shows them, which
is no sign of one in the test set, half of which each scanner took.
"""

from typing import Any

from absl import flags

from lesion_jax.commands.config_flag import define_path

# Of each class: a cohort lies in memory.
_MOST_LESIONS = 1_000_000


def define_flags(values: flags.FlagValues) -> None:
    """--out, --dataset, --seed, --num_lesions, the phantom's and its scanner's, --num_folds, --fold_seed."""
    from lesion_jax.config.fields import settings_of
    from lesion_jax.sources.phantom.cohort import PAPER_COUNTS
    from lesion_jax.sources.phantom.options import Phantom

    define_path(values, "out", "Folder to write; must not exist, or be empty.")
    flags.DEFINE_boolean("dataset", False, "Write a dataset in place of DICOM files.", flag_values=values)
    flags.DEFINE_integer("seed", 0, "Seed of everything that is drawn.", lower_bound=0, flag_values=values)
    default = [f"{name}={count}" for name, count in PAPER_COUNTS.items()]
    flags.DEFINE_list("num_lesions", default, "Lesions of each class: how many, how rare.", flag_values=values)
    for dotted, setting, value in settings_of(Phantom):
        of, _, name = dotted.rpartition(".")
        flags.DEFINE_float(
            name, value, f"{of.title() or 'Lesions'}, {setting.range_text}. {setting.doc}", flag_values=values
        )
        if of:
            text = f"The same of the scanner of --num_test_lesions; by default --{name}."
            flags.DEFINE_float(f"test_{name}", None, text, flag_values=values)
    text = "Of --dataset: lesions of other patients, an independent test set: data.partition='tag:split=test'."
    flags.DEFINE_list("num_test_lesions", [], text, flag_values=values)
    text = (
        "Share of each class's training lesions that the scanner of --num_test_lesions takes too, as in "
        "cyst=0.05,metastasis=0.05,hemangioma=0.95; it then takes half of the test lesions, and a tag says which."
    )
    flags.DEFINE_list("test_scanner_shares", [], text, flag_values=values)
    text = "Test folds of --dataset; 0 for none. None where there is a test set."
    flags.DEFINE_integer("num_folds", 3, text, lower_bound=0, flag_values=values)
    flags.DEFINE_integer("fold_seed", 0, "Seed of their partition.", lower_bound=0, flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Writes the cohort."""
    from lesion_jax.config.fields import settings_of
    from lesion_jax.errors import ConfigError
    from lesion_jax.io.progress import progress_callback
    from lesion_jax.sources.phantom.options import Phantom, Scanner

    chosen: dict[str, Any] = {name: values[name].value for name, _, _ in settings_of(Scanner)}
    changed = {name: values[f"test_{name}"].value for name in chosen}
    shifted = chosen | {name: value for name, value in changed.items() if value is not None}
    if not values.num_test_lesions and (shifted != chosen or values.test_scanner_shares):
        raise ConfigError("--test_... describes the scanner of a test set; give its size with --num_test_lesions.")
    if values.test_scanner_shares and shifted == chosen:
        raise ConfigError("--test_scanner_shares is of a second scanner; say how it differs with --test_offset_hu etc.")
    if values.num_test_lesions and values["num_folds"].present and values.num_folds:
        raise ConfigError("--num_folds would mix the test set with the training patients; leave it out.")
    if values.num_test_lesions and not values.dataset:
        raise ConfigError("--num_test_lesions goes with --dataset; DICOM files are one cohort.")
    others: dict[str, Any] = {name: values[name].value for name, _, _ in settings_of(Phantom) if "." not in name}
    phantom = Phantom(Scanner(**chosen), **others)
    options = {
        "seed": values.seed,
        "num_lesions": _numbers("num_lesions", values.num_lesions),
        "phantom": phantom,
    }
    if not values.dataset:
        from lesion_jax.sources.phantom.write import write_phantom

        print(write_phantom(values.out, **options, progress=progress_callback("phantom, patients")))
        return
    from lesion_jax.data.build import check_out, store_dataset
    from lesion_jax.sources.cohort import Origin
    from lesion_jax.sources.phantom.rois import render_lesions
    from lesion_jax.sources.phantom.sets import render_sets

    # Random folds would mix the two sets.
    num_folds = 0 if values.num_test_lesions else values.num_folds
    is_new = check_out(values.out, num_folds)
    if values.num_test_lesions:
        lesions = render_sets(
            **options,
            num_test_lesions=_numbers("num_test_lesions", values.num_test_lesions),
            test_scanner=Scanner(**shifted),
            test_scanner_shares=_shares(values.test_scanner_shares),
            progress=progress_callback,
        )
    else:
        lesions = render_lesions(**options, progress=progress_callback("phantom, patients"))
    written = store_dataset(
        lesions, values.out, Origin("the phantom"), is_new=is_new, num_folds=num_folds, fold_seed=values.fold_seed
    )
    print(f"{values.out}: {len(written.lesions)} lesions of {', '.join(written.class_names)}")


def _numbers(flag: str, words: list[str]) -> dict[str, int]:
    from lesion_jax.errors import ConfigError

    found = {}
    for name, number in _by_class(flag, words, "cyst=53,metastasis=64"):
        if not number.isdecimal():
            raise ConfigError(f"--{flag} has {name}={number}; a number of lesions is whole, and at least 0.")
        if int(number) > _MOST_LESIONS:
            raise ConfigError(f"--{flag} asks for {number} of {name}; {_MOST_LESIONS} are the most.")
        found[name] = int(number)
    return found


def _shares(words: list[str]) -> dict[str, float]:
    from lesion_jax.errors import ConfigError

    found = {}
    for name, share in _by_class("test_scanner_shares", words, "cyst=0.05,hemangioma=0.95"):
        try:
            found[name] = float(share)
        except ValueError as error:
            raise ConfigError(f"--test_scanner_shares has {name}={share}; a share is a number from 0 to 1.") from error
    return found


def _by_class(flag: str, words: list[str], example: str) -> list[tuple[str, str]]:
    from lesion_jax.errors import ConfigError

    found: dict[str, str] = {}
    for word in words:
        name, is_pair, value = word.partition("=")
        if not is_pair or name in found:
            raise ConfigError(f"--{flag} has {word!r}; write each class once, as in {example}.")
        found[name] = value
    return list(found.items())
