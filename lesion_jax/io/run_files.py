"""Reading what a run's directory says of itself, whoever writes it; see `run_directory`."""

import json
from pathlib import Path
from typing import Any

from lesion_jax.errors import RunError


def trainings_of(path: Path) -> list[Path]:
    """The run directories of trainings that a directory stands for, sorted.

    Args:
      path: A sweep's, for those of its cells that have begun; that of the whole protocol or of a study, for what it
        trained; any other stands for itself.
    """
    if (path / "sweep.json").exists():
        return sorted(config.parent for config in path.glob("cells/*/config.json"))
    return sorted(config.parent for config in (path / "runs").rglob("config.json")) or [path]


def load_config(path: Path | str) -> dict[str, Any]:
    """The resolved config of a run.

    Args:
      path: Run directory.

    Raises:
      RunError: It is not the directory of a run.
    """
    return _load(Path(path), "config.json")


def load_provenance(path: Path | str) -> dict[str, Any]:
    """What the run was started on and with; see `load_config`."""
    return _load(Path(path), "provenance.json")


def _load(run: Path, name: str) -> dict[str, Any]:
    try:
        content = json.loads((run / name).read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunError(f"{run} is not the directory of a run: {_what_else(run, name)}") from error
    except (OSError, ValueError) as error:
        raise RunError(f"{run / name} cannot be read ({error}).") from error
    if not isinstance(content, dict):
        raise RunError(f"{run / name} is not what a run writes; bring it back from a copy.")
    return content


def _what_else(path: Path, name: str) -> str:
    if not path.exists():
        return "there is nothing of that name."
    if not path.is_dir():
        return "it is a file."
    if (path / "sweep.json").exists():
        return (
            f"it is a sweep's, whose trainings are {path / 'cells' / '0000'} and so on; `lesion-jax sweep --workdir "
            f"{path} --status` lists them."
        )
    return f"it has no {name}."
