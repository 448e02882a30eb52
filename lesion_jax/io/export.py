"""Exports: trained networks for any framework; reading one needs numpy and safetensors alone.

model.safetensors     every array, float32, by name
example.safetensors   a test vector: inputs and outputs of each network, and the patch of a lesion with its image
model.json            what to compute with them, where they come from, and the sha256 of all
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
from lesion_jax.io.export_compute import compute

FORMAT_VERSION = 3
_TENSORS, _EXAMPLE, _DESCRIPTION = "model.safetensors", "example.safetensors", "model.json"
# By how much an output may differ from the example's, as a share of the largest: other processors round otherwise.
_TOLERANCE = 1e-3
_VERSION, _DIGESTS = "format_version", "sha256"


def check_new_export(path: Path) -> None:
    """Refuses a place where no export can be made, before anything is read for it.

    Args:
      path: Directory of the export to be.

    Raises:
      RunError: `path` exists, or its nearest parent is not a directory that can be written to.
    """
    check_new(path, "Export", RunError)


def save_export(
    path: Path,
    description: Mapping[str, Any],
    tensors: Mapping[str, np.ndarray],
    example: Mapping[str, np.ndarray],
) -> None:
    """Writes an export; it appears whole or not at all.

    Args:
      path: A directory that does not exist yet.
      description: Plain values; "networks" holds, by name, layers whose "tensors" name the arrays.
      tensors: Host arrays by those names.
      example: The test vector: NETWORK.inputs.NAME and NETWORK.outputs.NAME for each network, and whatever else.

    Raises:
      RunError: `path` exists or cannot be written.
      ValueError: The description and the tensors do not name the same arrays.
    """
    if unmatched := _named(description["networks"]) ^ tensors.keys():
        raise ValueError(f"Described or held, but not both: {', '.join(sorted(unmatched))}.")
    held = {_TENSORS: _encoded(tensors), _EXAMPLE: _encoded(example)}
    facts = {_VERSION: FORMAT_VERSION, **description}
    facts[_DIGESTS] = _digests(held, facts)
    with building_new(path, "Export", RunError) as folder:
        for name, content in held.items():
            write_bytes(folder / name, content)
        write_json(folder / _DESCRIPTION, facts)


def load_export(path: Path | str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Reads an export, and computes its test vector with numpy: what it describes is what the run computed.

    Args:
      path: Written by `lesion-jax export`.

    Returns:
      (description, array by name). The description is model.json without its digests: "networks", layer by layer;
      "ops", what each layer computes; "image", how an image is made from a CT; "provenance". The arrays are float32, as
      the layers name them; `export_compute.compute(description, arrays, network, inputs)` computes with them.

    Raises:
      RunError: It is missing, damaged, was changed, is of another format version, or gives other outputs than its
        example's.
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
        held = {name: (path / name).read_bytes() for name in (_TENSORS, _EXAMPLE)}
        if digests != _digests(held, facts):
            raise RunError(f"Export {path} is damaged or was changed; {again}.")
        arrays, example = (safetensors.numpy.load(content) for content in held.values())
    except PermissionError as error:
        raise RunError(f"Export {path} cannot be read ({error.strerror or error}); make it readable.") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"Export {path} is not readable ({error}); {again}.") from None
    for network in facts["networks"]:
        _check_example(path, network, compute(facts, arrays, network, _part(example, f"{network}.inputs.")), example)
    return facts, arrays


def _check_example(path: Path, network: str, outputs: Mapping[str, np.ndarray], example: Mapping[str, Any]) -> None:
    for name, wanted in _part(example, f"{network}.outputs.").items():
        # In float64: differences of int16 would wrap.
        apart = np.abs(outputs[name].astype(np.float64) - wanted).max()
        # An image's pixels are rounded: one that lies between two may be either.
        if not apart <= _TOLERANCE * np.abs(wanted).max() + np.issubdtype(wanted.dtype, np.integer):
            raise RunError(
                f"Export {path}: the {name} of its {network} differ by {apart:.3g} from the example that it holds; "
                "report it, and the version of numpy."
            )


def _part(example: Mapping[str, np.ndarray], start: str) -> dict[str, np.ndarray]:
    return {name.removeprefix(start): array for name, array in example.items() if name.startswith(start)}


def _encoded(arrays: Mapping[str, np.ndarray]) -> bytes:
    return safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in arrays.items()})


def _digests(held: Mapping[str, bytes], facts: Mapping[str, Any]) -> dict[str, str]:
    found = {name: hashlib.sha256(content).hexdigest() for name, content in held.items()}
    return {**found, "the rest of this file": _digest(facts)}


def _named(node: Any) -> set[str]:
    """The tensors that the layers below a node name."""
    if isinstance(node, list):
        return {name for child in node for name in _named(child)}
    if isinstance(node, dict):
        return {*node.get("tensors", {}).values()} | {name for child in node.values() for name in _named(child)}
    return set()


def _digest(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
