"""The files below a folder."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from lesion_jax.errors import DataError

Told = Callable[[Path], None]


def _untold(path: Path) -> None:
    del path


def list_files(folder: Path, skip: Told = _untold) -> list[Path]:
    """All files below a folder, sorted; links are followed, and what several lead to is listed once.

    Args:
      folder: Where to look.
      skip: Called with every folder and file below it that cannot be read, and every link that leads nowhere.

    Raises:
      DataError: No such folder, one that cannot be read, or nothing in it.
    """
    try:
        with os.scandir(folder):
            pass
    except OSError as error:
        raise DataError(f"--input: {folder} cannot be read: {error.strerror}; name a readable folder.") from error
    skipped: list[Path] = []
    by_identity: dict[tuple[int, int], Path] = {}
    # Places without links first: they are what a user takes for the file's own.
    for path, identity in sorted(_walk(folder, skipped.append, _untold), key=lambda one: (one[0].is_symlink(), one[0])):
        by_identity.setdefault(identity, path)
    if not by_identity:
        what = f"no files that can be read{also_unreadable(skipped)}" if skipped else "no files"
        raise DataError(f"--input {folder} holds {what}; name the folder of the images.")
    for path in skipped:
        skip(path)
    return sorted(by_identity.values())


def named_file(folder: Path, name: str) -> Path:
    """The file that a csv names, relative to a folder; Windows writes backslashes where others write slashes.

    Args:
      folder: Where names begin.
      name: As the csv has it.
    """
    path = folder / name
    turned = folder / name.replace("\\", "/")
    # Those of `os.path` say no where the system refuses to look, as at a name that is too long.
    return turned if os.path.exists(turned) and not os.path.exists(path) else path


def absence(path: Path) -> str:
    """Why there is no file to read, to follow its name in a message; "" where there is one."""
    try:
        return "" if stat.S_ISREG(os.stat(path).st_mode) else "is no file"
    except (FileNotFoundError, NotADirectoryError):
        return "does not exist"
    except OSError as error:
        return f"cannot be read: {error.strerror}"


def also_unreadable(paths: Sequence[Path]) -> str:
    """Files and folders that cannot be read, to follow in a message what is missing and may be there."""
    return f" ({len(paths)} files or folders cannot be read, such as {paths[0]})" if paths else ""


def walk_files(folder: Path, skip: Told = _untold, again: Told = _untold) -> Iterator[Path]:
    """All files below a folder, in no order; a file under all of its names, a folder that links lead to under one.

    Args:
      folder: Where to look.
      skip: Called with every folder and file that cannot be read, and every link that leads nowhere.
      again: Called with every link to a folder whose files are listed elsewhere: where it stands, or below another.
    """
    yield from (path for path, _ in _walk(folder, skip, again))


def _walk(folder: Path, skip: Told, again: Told) -> Iterator[tuple[Path, tuple[int, int]]]:
    """Files, and what the system knows each by."""
    entered: set[tuple[int, int]] = set()
    # Links last: a folder has the name of its own place, whatever links there are.
    waiting = [folder]
    for place in waiting:
        for root, folders, names in os.walk(place, onerror=lambda error: skip(Path(error.filename or folder))):
            if (found := _stat(Path(root), skip)) is None or _identity(found) in entered:
                folders.clear()
                if found is not None:
                    again(Path(root))
                continue
            entered.add(_identity(found))
            folders.sort()
            waiting += [Path(root, name) for name in folders if os.path.islink(Path(root, name))]
            for path in (Path(root, name) for name in names):
                # Opening a pipe would wait for ever.
                if (found := _stat(path, skip)) is not None and stat.S_ISREG(found.st_mode):
                    yield path, _identity(found)


def _stat(path: Path, skip: Told) -> os.stat_result | None:
    try:
        return os.stat(path)
    except OSError:
        skip(path)
        return None


def _identity(found: os.stat_result) -> tuple[int, int]:
    return found.st_dev, found.st_ino
