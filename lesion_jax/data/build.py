"""Makes a dataset and its folds: both, or neither."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from lesion_jax.core.types import LesionSet
from lesion_jax.data.dataset import load_dataset
from lesion_jax.data.folds import Folds, load_folds, make_folds, save_folds
from lesion_jax.data.lesion_arrays import write_lesion_arrays
from lesion_jax.disk.atomic import OR_ELSEWHERE, writing
from lesion_jax.disk.building import building_new, check_new
from lesion_jax.disk.room import require_room
from lesion_jax.errors import FoldError, LesionJaxError, RunError
from lesion_jax.sources.cohort import Origin, read_cohort
from lesion_jax.sources.reading import AUTO, Asked

FOLDS = "folds.json"
# Beside the patches: TFDS's description, the folds, the file system's blocks.
_OVERHEAD_BYTES = 1 << 20


def build_dataset(
    input_dir: Path,
    annotations: Path | None,
    out: Path,
    *,
    source: str = AUTO,
    num_folds: int = 3,
    fold_seed: int = 0,
    class_names: Sequence[str] | None = None,
    tags: Sequence[str] = (),
    labels: Sequence[str] = (),
    accept: Collection[str] = (),
    grey_range: str = "",
    patient: str = "",
    progress: Callable[[int, int], None] | None = None,
) -> LesionSet:
    """Reads images and marks, and writes a TFDS dataset with its folds.

    Everything is read and checked before anything is written; `out` appears complete or not at all.
    Where it already holds just this dataset and these folds, it is left as it is.

    Args:
      input_dir: Images as the source reads them: a tree of files, a folder.
      annotations: The csv of marks; None for a source that takes none.
      out: Folder to make; may exist if it is empty.
      source: Key of `SOURCES`; "auto" takes the one whose columns the csv has, or that recognises its files.
      num_folds: Test folds; 0 writes none.
      fold_seed: Seed of the partition.
      class_names: Order of the classes; None takes that of `sources.classes`.
      tags: Columns of the csv that the dataset keeps of each lesion, in lower case.
      labels: LABEL or LABEL=CLASS of the labels that are lesions; none takes all.
      accept: Checks that the user overrules, keys of `sources.review.CHECKS`.
      grey_range: What becomes 0 and 1000 of grey values without a unit, see `sources.grey_scale.parse_range`.
      patient: What of a path names the patient, see `sources.patient_names.parse_pattern`.
      progress: Called as progress(done, total), counted in what the source counts.

    Returns:
      The dataset as it is read back.

    Raises:
      ConfigError: There is no such source or check, or the source does not go with `annotations`.
      DataError: Something is wrong with the input; names the file, the field or the line.
      FoldError: The patients cannot be divided into so many folds, or not into any.
      RunError: `out` holds something else, or cannot be written.
    """
    out = Path(out)
    is_new = check_out(out, num_folds)
    asked = Asked(Path(input_dir), annotations, source, class_names or (), tags, accept, labels, grey_range, patient)
    lesions, origin = read_cohort(asked, progress)
    return store_dataset(lesions, out, origin, is_new=is_new, num_folds=num_folds, fold_seed=fold_seed)


def check_out(out: Path, num_folds: int) -> bool:
    """Whether a dataset is still to be written to `out`; asked before minutes of reading or drawing.

    Raises:
      FoldError: There cannot be so many folds.
      RunError: `out` holds something that is no dataset, or cannot be written.
    """
    check_num_folds(num_folds)
    with writing(out, what="--out", then=OR_ELSEWHERE):
        is_new = not any(out.glob("lesions/*/*/dataset_info.json"))
    if is_new:
        check_new(out, "--out", RunError, may_be_empty=True)
    return is_new


def check_num_folds(num_folds: int) -> None:
    """Refuses a number of test folds that cannot be with a FoldError."""
    if num_folds < 0 or num_folds == 1:
        raise FoldError(f"num_folds is {num_folds}; cross-validation needs at least 2, and 0 makes no folds.")


def store_dataset(
    lesions: LesionSet, out: Path, origin: Origin, *, is_new: bool, num_folds: int, fold_seed: int
) -> LesionSet:
    """Writes lesions as a TFDS dataset with its folds and its card, or finds that they are there already.

    Args:
      lesions: The lesions.
      out: Folder to make, which appears complete or not at all.
      origin: What the lesions were made of, for the card.
      is_new: From `check_out`.
      num_folds: Test folds; 0 writes none.
      fold_seed: Seed of the partition.

    Returns:
      The dataset as it is read back.

    Raises:
      FoldError: The patients cannot be divided into so many folds.
      RunError: `out` holds something else, or cannot be written.
    """
    folds = _make_folds(lesions, num_folds, fold_seed) if num_folds else None
    if not is_new:
        return _check_same(out, lesions, folds)
    require_room(out, sum(lesion.patch.nbytes for lesion in lesions.lesions) + _OVERHEAD_BYTES, what="--out")
    with building_new(out, "--out", RunError, may_be_empty=True) as folder:
        from lesion_jax.data.tfds_builder import write_dataset

        write_dataset(lesions, folder)
        written = load_dataset(folder)
        if written.fingerprint != lesions.fingerprint:
            raise RunError(f"--out {out}: what was written reads back differently; check the disk.")
        write_lesion_arrays(written, folder)
        if folds is not None:
            save_folds(folds, folder / FOLDS)
        from lesion_jax.data.card import write_card

        write_card(folder, written, folds, origin)
    return written


def _make_folds(lesions: LesionSet, num_folds: int, seed: int) -> Folds:
    try:
        return make_folds(lesions, num_folds, seed)
    except FoldError as error:
        num_patients = len({lesion.patient for lesion in lesions.lesions})
        raise FoldError(
            f"{error} The {len(lesions.lesions)} lesions are of {num_patients} patients in all: where headers call "
            "several people by one PatientID, as after anonymisation, add a column `patient` to the csv."
        ) from error


def _check_same(out: Path, lesions: LesionSet, folds: Folds | None) -> LesionSet:
    try:
        present = load_dataset(out)
        if present.fingerprint != lesions.fingerprint:
            raise RunError(f"--out {out} holds another dataset; name a new folder or remove it.")
        if folds is not None and load_folds(out / FOLDS, present).fingerprint != folds.fingerprint:
            raise RunError(f"--out {out} holds this dataset with other folds; name a new folder or remove it.")
    except RunError:
        raise
    except LesionJaxError as error:
        raise RunError(f"--out {out} exists and is not whole; remove it ({error})") from error
    return present
