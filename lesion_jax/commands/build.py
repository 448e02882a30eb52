"""Makes a dataset and its folds from DICOM or PNG slices and a csv of marks.

lesion-jax build --input STUDIES --annotations lesions.csv --out DATASET

STUDIES: any tree of single-slice axial CT files; names, suffixes and other files do not matter.
lesions.csv: sop_instance_uid,row,column,diameter_mm,label, one row per lesion. row and column are the
0-based pixel of its centre in the image as stored. The patient is the header's PatientID; where that is
empty or shared, add a column `patient`. It leaves the header only as a salted hash.

PNG: file,patient,spacing_mm,row,column,diameter_mm,label; 16 bits are HU + 32768, 8 bits are taken as they are.

The same command again leaves a finished DATASET as it is. TFDS's own command line (after `pip install
apache-beam mlcroissant`) makes the same dataset without folds:

tfds build lesions --imports lesion_jax.data.tfds_builder --data_dir DATASET --config
'{"name": "cohort", "input_dir": "STUDIES", "annotations": "lesions.csv"}'
"""

from absl import flags

from lesion_jax.commands.config_flag import define_path


def define_flags(values: flags.FlagValues) -> None:
    """--input, --annotations, --out, --num_folds, --fold_seed, --class_names."""
    define_path(values, "input", "Tree of DICOM files, or the folder that PNG names are relative to.")
    define_path(values, "annotations", "The csv of marks.")
    define_path(values, "out", "Folder to write; must not exist, or be empty.")
    flags.DEFINE_integer("num_folds", 3, "Test folds by patient; 0 for none.", lower_bound=0, flag_values=values)
    flags.DEFINE_integer("fold_seed", 0, "Seed of the partition.", lower_bound=0, flag_values=values)
    flags.DEFINE_list("class_names", [], "Order of the classes; by default the csv decides.", flag_values=values)


def run(values: flags.FlagValues) -> None:
    """Builds, and says what was built."""
    from lesion_jax.data.build import build_dataset
    from lesion_jax.io.progress import progress_callback

    lesions = build_dataset(
        values.input,
        values.annotations,
        values.out,
        num_folds=values.num_folds,
        fold_seed=values.fold_seed,
        class_names=values.class_names or None,
        progress=progress_callback("build, files"),
    )
    print(f"{values.out}: {len(lesions.lesions)} lesions of {', '.join(lesions.class_names)}")
