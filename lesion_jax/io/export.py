"""Exports: trained networks for any framework; reading one needs numpy and safetensors alone.

model.safetensors   every array, float32, by name
model.json          what to compute with them, where they come from, and the sha256 of both
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy

from lesion_jax.disk.atomic import write_bytes, write_json
from lesion_jax.disk.building import building_new, check_new
from lesion_jax.errors import RunError

FORMAT_VERSION = 2
_TENSORS, _DESCRIPTION = "model.safetensors", "model.json"
_VERSION, _DIGESTS = "format_version", "sha256"


def check_new_export(path: Path) -> None:
    """Refuses a place where no export can be made, before anything is read for it.

    Args:
      path: Directory of the export to be.

    Raises:
      RunError: `path` exists, or its nearest parent is not a directory that can be written to.
    """
    check_new(path, "Export", RunError)


def save_export(path: Path, description: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> None:
    """Writes an export; it appears whole or not at all.

    Args:
      path: A directory that does not exist yet.
      description: Plain values; "networks" holds, by name, layers whose "tensors" name the arrays.
      tensors: Host arrays by those names.

    Raises:
      RunError: `path` exists or cannot be written.
      ValueError: The description and the tensors do not name the same arrays.
    """
    if unmatched := _named(description["networks"]) ^ tensors.keys():
        raise ValueError(f"Described or held, but not both: {', '.join(sorted(unmatched))}.")
    content = safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in tensors.items()})
    facts = {_VERSION: FORMAT_VERSION, **description}
    facts[_DIGESTS] = {_TENSORS: hashlib.sha256(content).hexdigest(), "the rest of this file": _digest(facts)}
    with building_new(path, "Export", RunError) as folder:
        write_bytes(folder / _TENSORS, content)
        write_json(folder / _DESCRIPTION, facts)


def load_export(path: Path | str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Reads an export.

    Args:
      path: Written by `lesion-jax export`.

    Returns:
      (description, array by name). The description is model.json without its digests.

    Raises:
      RunError: It is missing, damaged, was changed, or is of another format version.
    """
    path = Path(path)
    again = "export the run again with `lesion-jax export`"
    try:
        if not path.is_dir():
            raise RunError(f"Export {path} does not exist; write one with `lesion-jax export`.")
        facts = json.loads((path / _DESCRIPTION).read_text())
        if (version := facts[_VERSION]) != FORMAT_VERSION:
            raise RunError(f"Export {path} has format version {version}, but {FORMAT_VERSION} is read here; {again}.")
        digests = facts.pop(_DIGESTS)
        content = (path / _TENSORS).read_bytes()
        held = {_TENSORS: hashlib.sha256(content).hexdigest(), "the rest of this file": _digest(facts)}
        if digests != held:
            raise RunError(f"Export {path} is damaged or was changed; {again}.")
        return facts, safetensors.numpy.load(content)
    except PermissionError as error:
        raise RunError(f"Export {path} cannot be read ({error.strerror or error}); make it readable.") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"Export {path} is not readable ({error}); {again}.") from None


def _named(node: Any) -> set[str]:
    """The tensors that the layers below a node name."""
    if isinstance(node, list):
        return {name for child in node for name in _named(child)}
    if isinstance(node, dict):
        return {*node.get("tensors", {}).values()} | {name for child in node.values() for name in _named(child)}
    return set()


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
