"""The files below a folder."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from lesion_jax.errors import DataError


def list_files(folder: Path, skip: Callable[[Path], None] = lambda path: None) -> list[Path]:
    """All files below a folder, sorted; links are followed, and what several lead to is listed once.

    Args:
      folder: Where to look.
      skip: Called with every folder below it that cannot be read, and every link that leads nowhere.

    Raises:
      DataError: No such folder, one that cannot be read, or nothing in it.
    """
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        raise DataError(f"--input: {folder} cannot be read: {error.strerror}; name a readable folder.") from error
    by_identity: dict[tuple[int, int], Path] = {}
    # Places without links first: they are what a user takes for the file's own.
    for path in sorted(walk_files(folder, skip), key=lambda path: (path.is_symlink(), path)):
        status = path.stat()
        by_identity.setdefault((status.st_dev, status.st_ino), path)
    if not by_identity:
        raise DataError(f"--input {folder} holds no files; name the folder of the images.")
    return sorted(by_identity.values())


def named_file(folder: Path, name: str) -> Path:
    """The file that a csv names, relative to a folder; Windows writes backslashes where others write slashes.

    Args:
      folder: Where names begin.
      name: As the csv has it.
    """
    path = folder / name
    turned = folder / name.replace("\\", "/")
    return turned if turned.exists() and not path.exists() else path


def walk_files(folder: Path, skip: Callable[[Path], None]) -> Iterator[Path]:
    """All files below a folder under all of their names, in no order; a folder that is a link is entered once.

    Args:
      folder: Where to look.
      skip: Called with every folder that cannot be read, and every link that leads nowhere.
    """
    entered: set[tuple[int, int]] = set()
    for root, folders, names in os.walk(
        folder, followlinks=True, onerror=lambda error: skip(Path(error.filename or folder))
    ):
        status = os.stat(root)
        if (status.st_dev, status.st_ino) in entered:
            # A link back: what is below was listed where it stands.
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders.sort()
        for path in (Path(root, name) for name in names):
            # Opening a pipe would wait for ever.
            if path.is_file():
                yield path
            elif path.is_symlink() and not path.exists():
                skip(path)
