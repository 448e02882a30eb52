"""Makes a dataset and its folds from images and marked lesions.

lesion-jax build --input STUDIES --annotations lesions.csv --out DATASET

lesions.csv has one row per lesion; which columns it must have, the sources at --source say. row and
column are the 0-based pixel indices of the lesion's centre in the image as it is stored: (0, 0) is the
centre of the first pixel, row counts downwards, fractions are fine. Other columns are ignored, but for
those that --tags names: a site, a scanner, your own folds (see data.partition in `lesion-jax train --help`).
Whatever identifies a patient leaves the files only as a salted hash.

The csv may be a spreadsheet's: separated by commas, semicolons or tabs, with decimal commas where these are not the
separator, in UTF-8, UTF-16 or what Windows writes of umlauts, its columns in any case ("SOP Instance UID",
"Patient ID", "Diameter (mm)").

lesion-jax build --input STUDIES --annotations lesions.csv --dry_run --contact_sheet SHEET

writes nothing but SHEET, and says what a build would find: classes, patients, sizes, scanners, folds, what is passed
over, ROIs that look alike, images that seem to have text in their pixels, and all mistakes. --refusals=FILE.csv writes
the mistakes row by row, in a build too.

The same build again leaves a finished DATASET as it is. TFDS's own command line (after `pip install
apache-beam mlcroissant`) makes the same dataset without folds:

tfds build lesions --imports lesion_jax.data.tfds_builder --data_dir DATASET --config
'{"name": "cohort", "input_dir": "STUDIES", "annotations": "lesions.csv"}'
"""

from absl import flags

from lesion_jax.commands.config_flag import define_path

_SHEET_SIDE = 128


def define_flags(values: flags.FlagValues) -> None:
    """What is read and as what (--input to --accept), and what becomes of it (--out to --contact_sheet)."""
    from lesion_jax.sources.cohort import AUTO

    define_path(values, "input", "The images: a folder, with whatever is below it.")
    define_path(values, "annotations", "The csv of marks; none for a source without columns.", required=False)
    flags.DEFINE_string("source", AUTO, _sources(), flag_values=values)
    define_path(values, "out", "Folder to write; must not exist, or be empty.", required=False)
    flags.DEFINE_list("tags", [], "Columns of the csv that the dataset keeps, as they are.", flag_values=values)
    flags.DEFINE_integer("num_folds", 3, "Test folds by patient; 0 for none.", lower_bound=0, flag_values=values)
    flags.DEFINE_integer("fold_seed", 0, "Seed of the partition.", lower_bound=0, flag_values=values)
    flags.DEFINE_list("class_names", [], "Order of the classes; by default that of the marks.", flag_values=values)
    flags.DEFINE_list(
        "labels",
        [],
        "Labels of masks, segments and structures that are lesions, as LABEL or LABEL=CLASS: --labels=2=tumour, "
        "--labels='GTV*=tumour'. All, where there is one only.",
        flag_values=values,
    )
    flags.DEFINE_list("accept", [], _checks(), flag_values=values)
    text = (
        "Of MR and all else that is no CT: what becomes 0 and 1000, LOW,HIGH as the header scales numbers (SUVbw of "
        "PET), or percentiles of the series as 1%,99%. By default 0.5%,99.5%; of SUVbw 0,10. The card keeps it."
    )
    whose = (
        "Of images and nifti without a csv: regular expression of the part of a path below --input that names the "
        "patient; of groups, if it has any, they: --patient='(case_\\d+)_'."
    )
    flags.DEFINE_string("patient", "", whose, flag_values=values)
    flags.DEFINE_string("grey_range", "", text, flag_values=values)
    define_path(values, "refusals", "csv to write of all that is wrong, row by row.", required=False)
    flags.DEFINE_bool("dry_run", False, "Read and check all, and say what would be built.", flag_values=values)
    text = (
        "With --dry_run: folder to write with a picture of every lesion and its mark, index.html and a PNG per class."
    )
    define_path(values, "contact_sheet", text, required=False)


def _sources() -> str:
    """What there is to read, one line each."""
    from lesion_jax.sources.table import SOURCES

    lines = ["What --input holds; auto takes the one whose columns the csv has, or without a csv what it recognises."]
    for name, source in SOURCES.items():
        columns = ",".join(source.columns) if source.columns else "no csv"
        columns = columns if source.needs_csv or not source.columns else f"no csv, or {columns}"
        optional = "".join(f"[,{column}]" for column in source.optional)
        lines.append(f"{name}: {source.title} ({columns}{optional}). {source.about}".strip())
    return "\n".join(lines)


def _checks() -> str:
    """What can be accepted, one line each."""
    from lesion_jax.sources.review import CHECKS

    lines = ["Checks to overrule where you know better; what they found is kept in the dataset's card."]
    return "\n".join([*lines, *(f"{name}: {check.title}." for name, check in CHECKS.items() if not check.only_warns)])


def run(values: flags.FlagValues) -> None:
    """Builds, and says what was built; or says what would be."""
    from lesion_jax.errors import ConfigError
    from lesion_jax.sources.refusals import refusals_to

    if values.contact_sheet and not values.dry_run:
        raise ConfigError("--contact_sheet goes with --dry_run; give both, or neither.")
    if not (values.out or values.dry_run):
        raise ConfigError("--out is missing; name the folder to write, or give --dry_run.")
    with refusals_to(values.refusals):
        if values.dry_run:
            _look_ahead(values)
        else:
            _build(values)


def _build(values: flags.FlagValues) -> None:
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
        tags=_tags(values),
        labels=values.labels,
        accept=values.accept,
        grey_range=values.grey_range,
        patient=values.patient,
        progress=progress_callback("build, files"),
    )
    print(
        f"{values.out}: {len(built.lesions)} lesions of {', '.join(built.class_names)}, "
        f"pixels in {UNITS[built.unit].title}"
    )


def _look_ahead(values: flags.FlagValues) -> None:
    from lesion_jax.core.types import UNITS
    from lesion_jax.data.build import check_num_folds
    from lesion_jax.data.preflight import look_ahead
    from lesion_jax.data.preflight_text import preflight_text
    from lesion_jax.disk.building import check_new
    from lesion_jax.errors import RunError
    from lesion_jax.io.contact_sheet import Sheet, write_contact_sheet
    from lesion_jax.io.progress import progress_callback
    from lesion_jax.sources.reading import Asked

    check_num_folds(values.num_folds)
    sheet = values.contact_sheet
    if sheet:
        check_new(sheet, "--contact_sheet", RunError, may_be_empty=True)
    asked = Asked(
        values.input,
        values.annotations,
        values.source,
        values.class_names,
        _tags(values),
        frozenset(values.accept),
        values.labels,
        values.grey_range,
        values.patient,
        looks_for_text=True,
    )
    progress = (progress_callback(f"build --dry_run, {what}") for what in ("files", "ROIs compared", "ROIs drawn"))
    found = look_ahead(asked, values.num_folds, values.fold_seed, next(progress), next(progress))
    print(preflight_text(found, values.num_folds))
    if sheet and (lesions := found.lesion_set):
        images, mark = found.rois(_SHEET_SIDE, next(progress))
        labels = [lesion.label for lesion in found.lesions]
        unit = UNITS[lesions.unit].title
        write_contact_sheet(
            sheet, Sheet(images, labels, found.captions, mark, lesions.class_names, lesions.window, unit)
        )
        print(f"every lesion with its mark: {sheet / 'index.html'}")
    found.check()


def _tags(values: flags.FlagValues) -> list[str]:
    return [name.strip().lower() for name in values.tags]
