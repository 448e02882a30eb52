"""Makes a dataset and its folds: both, or neither."""

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from lesion_jax.core.types import LesionSet
from lesion_jax.data.dataset import load_dataset
from lesion_jax.data.folds import Folds, load_folds, make_folds, save_folds
from lesion_jax.data.lesion_arrays import write_lesion_arrays
from lesion_jax.disk.building import building
from lesion_jax.errors import FoldError, LesionJaxError, RunError
from lesion_jax.sources.cohort import read_lesions

FOLDS = "folds.json"
# Beside the patches: TFDS's description, the folds, the file system's blocks.
_OVERHEAD_BYTES = 1 << 20


def build_dataset(
    input_dir: Path,
    annotations: Path,
    out: Path,
    *,
    num_folds: int = 3,
    fold_seed: int = 0,
    class_names: Sequence[str] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> LesionSet:
    """Reads images and marks, and writes a TFDS dataset with its folds.

    Everything is read and checked before anything is written; `out` appears complete or not at all.
    Where it already holds just this dataset and these folds, it is left as it is.

    Args:
      input_dir: Tree of DICOM files, or the folder that the PNG names are relative to.
      annotations: The csv; `lesion_jax.sources.marks` describes it.
      out: Folder to make; may exist if it is empty.
      num_folds: Test folds; 0 writes none.
      fold_seed: Of the partition.
      class_names: Order of the classes; None lets the csv decide.
      progress: Called as progress(done, total), counted in files and slices.

    Returns:
      The dataset as it is read back.

    Raises:
      DataError: Something is wrong with the input; names file, field or line.
      FoldError: The patients cannot be divided into so many folds, or not into any.
      RunError: `out` holds something else, or cannot be written.
    """
    if num_folds < 0 or num_folds == 1:
        raise FoldError(f"num_folds is {num_folds}; cross-validation needs at least 2, and 0 makes no folds.")
    out = Path(out)
    is_new = _check_out(out)
    lesions = read_lesions(Path(input_dir), Path(annotations), class_names, progress)
    folds = make_folds(lesions, num_folds, fold_seed) if num_folds else None
    if not is_new:
        return _check_same(out, lesions, folds)
    needed = sum(lesion.patch.nbytes for lesion in lesions.lesions) + _OVERHEAD_BYTES
    try:
        # Its nearest parent that exists: a refusal leaves nothing behind.
        nearest = next(path for path in out.absolute().parents if path.exists())
        if (free := shutil.disk_usage(nearest).free) < needed:
            raise RunError(
                f"--out {out} takes up to {needed / 2**20:.1f} MiB, but {free / 2**20:.1f} MiB are free; "
                "free room or name another folder."
            )
        with building(out) as folder:
            from lesion_jax.data.tfds_builder import write_dataset

            write_dataset(lesions, folder)
            written = load_dataset(folder)
            if written.fingerprint != lesions.fingerprint:
                raise RunError(f"--out {out}: what was written reads back differently; check the disk.")
            write_lesion_arrays(written, folder)
            if folds is not None:
                save_folds(folds, folder / FOLDS)
    except OSError as error:
        raise _unwritable(out, error) from error
    return written


def _check_out(out: Path) -> bool:
    """Whether `out` is still to be made; found out before minutes of reading."""
    try:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            if any(out.glob("lesions/*/*/dataset_info.json")):
                return False
            raise RunError(f"--out {out} exists and is not an empty folder; name a new one.")
        parent = next(path for path in (out, *out.absolute().parents) if path.exists())
        if not parent.is_dir():
            raise RunError(f"--out {out} cannot be made: {parent} is a file; name a place in a folder.")
        if not os.access(parent, os.W_OK | os.X_OK):
            raise RunError(f"--out {out} cannot be written: {parent} is read-only; name a folder that can.")
    except OSError as error:
        raise _unwritable(out, error) from error
    return True


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


def _unwritable(out: Path, error: OSError) -> RunError:
    return RunError(f"--out {out} cannot be written: {error.strerror or error}; free room or name another folder.")
