"""The files below a folder."""

import os
from pathlib import Path

from lesion_jax.errors import DataError


def list_files(folder: Path) -> list[Path]:
    """All files below a folder, sorted.

    Raises:
      DataError: No such folder, one that cannot be read, or nothing in it.
    """

    def stop(error: OSError) -> None:
        raise error

    try:
        paths = [Path(root, name) for root, _, names in os.walk(folder, onerror=stop) for name in names]
        # Opening a pipe would wait for ever.
        files = [path for path in paths if path.is_file()]
    except OSError as error:
        raise DataError(
            f"--input: {error.filename} cannot be read: {error.strerror}; name a readable folder."
        ) from error
    if not files:
        raise DataError(f"--input {folder} holds no files; name the folder of the images.")
    return sorted(files)
