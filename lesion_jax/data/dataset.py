"""Loads a built dataset."""

from pathlib import Path

from lesion_jax.core.types import LesionSet
from lesion_jax.data.lesion_arrays import read_lesion_arrays
from lesion_jax.errors import DataError


def load_dataset(directory: Path) -> LesionSet:
    """Reads a dataset into memory.

    Args:
      directory: Folder that `lesion-jax build --out` wrote.

    Returns:
      Lesions sorted by lesion_id; the fingerprint is taken from what was read.

    Raises:
      DataError: No such directory, no dataset in it, or a damaged one.
    """
    lesions = None
    try:
        is_filled = directory.is_dir() and any(directory.iterdir())
    except OSError as error:
        raise DataError(f"{directory} cannot be read ({error.strerror or error}); make it readable.") from error
    if is_filled and (lesions := read_lesion_arrays(directory)) is None:
        # Takes seconds: only where there is something to read.
        from lesion_jax.data.tfds_builder import read_dataset

        lesions = read_dataset(directory)
    if lesions is None:
        made = f"`lesion-jax build --input IMAGES --annotations lesions.csv --out {directory}`"
        if not directory.exists():
            raise DataError(
                f"The dataset {directory} is not there; where it was moved, name its new place (data.dataset of a "
                f"config, or --dataset), where there was none, make one with {made}."
            )
        raise DataError(f"{directory} holds no dataset; make one with {made}.")
    return lesions
