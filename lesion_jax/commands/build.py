"""Makes a dataset and its folds from images and marked lesions.

lesion-jax build --input STUDIES --annotations lesions.csv --out DATASET

lesions.csv has one row per lesion; which columns it must have, the sources at --source say. row and
column are the 0-based pixel indices of the lesion's centre in the image as it is stored: (0, 0) is the
centre of the first pixel, row counts downwards, fractions are fine. Other columns are ignored, but for
those that --tags names: a site, a scanner, your own folds (see data.partition in `lesion-jax train --help`).
Whatever identifies a patient leaves the files only as a salted hash.

The same command again leaves a finished DATASET as it is. TFDS's own command line (after `pip install
apache-beam mlcroissant`) makes the same dataset without folds:

tfds build lesions --imports lesion_jax.data.tfds_builder --data_dir DATASET --config
'{"name": "cohort", "input_dir": "STUDIES", "annotations": "lesions.csv"}'
"""

from absl import flags

from lesion_jax.commands.config_flag import define_path


def define_flags(values: flags.FlagValues) -> None:
    """--input, --annotations, --source, --out, --num_folds, --fold_seed, --class_names, --tags, --accept."""
    from lesion_jax.sources.cohort import AUTO

    define_path(values, "input", "The images: a folder, with whatever is below it.")
    define_path(values, "annotations", "The csv of marks; none for a source without columns.", required=False)
    flags.DEFINE_string("source", AUTO, _sources(), flag_values=values)
    define_path(values, "out", "Folder to write; must not exist, or be empty.")
    flags.DEFINE_list("tags", [], "Columns of the csv that the dataset keeps, as they are.", flag_values=values)
    flags.DEFINE_integer("num_folds", 3, "Test folds by patient; 0 for none.", lower_bound=0, flag_values=values)
    flags.DEFINE_integer("fold_seed", 0, "Seed of the partition.", lower_bound=0, flag_values=values)
    flags.DEFINE_list("class_names", [], "Order of the classes; by default that of the marks.", flag_values=values)
    flags.DEFINE_list("accept", [], _checks(), flag_values=values)


def _sources() -> str:
    """What there is to read, one line each."""
    from lesion_jax.sources import SOURCES

    lines = ["What --input holds; auto takes the one whose columns the csv has."]
    for name, source in SOURCES.items():
        columns = ",".join(source.columns) if source.columns else "no csv"
        optional = "".join(f"[,{column}]" for column in source.optional)
        lines.append(f"{name}: {source.title} ({columns}{optional}). {source.about}".strip())
    return "\n".join(lines)


def _checks() -> str:
    """What can be accepted, one line each."""
    from lesion_jax.sources.review import CHECKS

    lines = ["Checks to overrule where you know better; what they found is kept in the dataset's notes.json."]
    return "\n".join([*lines, *(f"{name}: {check.title}." for name, check in CHECKS.items() if not check.only_warns)])


def run(values: flags.FlagValues) -> None:
    """Builds, and says what was built."""
    from lesion_jax.core.types import UNITS
    from lesion_jax.data.build import build_dataset
    from lesion_jax.io.progress import progress_callback

    built = build_dataset(
        values.input,
        values.annotations,
        values.out,
        source=values.source,
        num_folds=values.num_folds,
        fold_seed=values.fold_seed,
        class_names=values.class_names or None,
        tags=[name.strip().lower() for name in values.tags],
        accept=values.accept,
        progress=progress_callback("build, files"),
    )
    print(
        f"{values.out}: {len(built.lesions)} lesions of {', '.join(built.class_names)}, "
        f"pixels in {UNITS[built.unit].title}"
    )
