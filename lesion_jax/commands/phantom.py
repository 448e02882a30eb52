"""Writes the phantom: an abdominal-CT cohort with liver lesions, of which nobody was a patient.

lesion-jax phantom --out DIR

Real DICOM files, one series per patient, and DIR/lesions.csv, which `lesion-jax build` reads.

lesion-jax phantom --dataset --out DATASET --num_lesions=cyst=667,metastasis=667,hemangioma=666

lesion-jax phantom --dataset --out DATASET --num_test_lesions=cyst=480,metastasis=480,hemangioma=480 --test_offset_hu=15

A dataset at once, without files, perhaps with a test set of other patients and another scanner, tagged `split`: of each
slice only the part around a lesion is drawn. The patients are others than the DICOM files', whatever the seed. Both
ways remember that they are a phantom, and which one.
"""

import dataclasses
from typing import Any

from absl import flags

from lesion_jax.commands.config_flag import define_path

# Far from the seeds of cohorts, so that no test patient is another dataset's training patient.
_TEST_SEEDS = 1_000_000
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
    flags.DEFINE_integer("num_folds", 3, "Test folds of --dataset; 0 for none.", lower_bound=0, flag_values=values)
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
    if not values.num_test_lesions and shifted != chosen:
        raise ConfigError("--test_... describes the scanner of a test set; give its size with --num_test_lesions.")
    if values.num_test_lesions and not values.dataset:
        raise ConfigError("--num_test_lesions goes with --dataset; DICOM files are one cohort.")
    others: dict[str, Any] = {name: values[name].value for name, _, _ in settings_of(Phantom) if "." not in name}
    phantom = Phantom(Scanner(**chosen), **others)
    options = {
        "seed": values.seed,
        "num_lesions": _numbers(values.num_lesions),
        "phantom": phantom,
        "progress": progress_callback("phantom, patients"),
    }
    if not values.dataset:
        from lesion_jax.sources.phantom.write import write_phantom

        print(write_phantom(values.out, **options))
        return
    from lesion_jax.data.build import check_out, store_dataset
    from lesion_jax.sources.cohort import Origin
    from lesion_jax.sources.phantom.rois import render_lesions

    # Random folds would mix the two sets.
    num_folds = 0 if values.num_test_lesions else values.num_folds
    is_new = check_out(values.out, num_folds)
    lesions = render_lesions(**options)
    if values.num_test_lesions:
        test = {
            "seed": values.seed + _TEST_SEEDS,
            "num_lesions": _numbers(values.num_test_lesions),
            "phantom": dataclasses.replace(phantom, scanner=Scanner(**shifted)),
            "progress": progress_callback("phantom, test patients"),
        }
        lesions = _with_test(lesions, render_lesions(**test))
    written = store_dataset(
        lesions, values.out, Origin("the phantom"), is_new=is_new, num_folds=num_folds, fold_seed=values.fold_seed
    )
    print(f"{values.out}: {len(written.lesions)} lesions of {', '.join(written.class_names)}")


def _with_test(train: Any, test: Any) -> Any:
    """Both sets as one, told apart by the tag `split`; the record is that of the training patients."""
    from lesion_jax.core.types import LesionSet

    lesions = [
        dataclasses.replace(lesion, tags={"split": name})
        for name, some in (("train", train), ("test", test))
        for lesion in some.lesions
    ]
    return LesionSet.of(lesions, train.class_names, train.unit, phantom=train.phantom)


def _numbers(words: list[str]) -> dict[str, int]:
    from lesion_jax.errors import ConfigError

    found: dict[str, int] = {}
    for word in words:
        name, _, number = word.partition("=")
        if not number.isdecimal() or name in found:
            raise ConfigError(f"--num_lesions has {word!r}; write each class once, as in cyst=53,metastasis=64.")
        if int(number) > _MOST_LESIONS:
            raise ConfigError(f"--num_lesions asks for {number} of {name}; {_MOST_LESIONS} are the most.")
        found[name] = int(number)
    return found
