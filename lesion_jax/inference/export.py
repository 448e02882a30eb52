"""Exporting a run: its networks and what it takes to use them, in files that need none of our code."""

from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax import __version__
from lesion_jax.config import ClassifierConfig, DataConfig, GanConfig, to_dict
from lesion_jax.families import networks
from lesion_jax.inference.restore import load_run
from lesion_jax.io.checkpoints import Which
from lesion_jax.io.export import check_new_export, save_export
from lesion_jax.io.run_directory import load_provenance
from lesion_jax.models.describe import OPS, describe

_Networks = dict[str, dict[str, Any]]
_Tensors = dict[str, np.ndarray]

_CONVENTIONS = {
    "layout": "Batches first. Images are [N, rows, columns, channels]; HU images have no channel axis.",
    "network": "x is the first of inputs. Apply prepare, then layers: their last x goes into each list of outputs.",
    "tensors": "float32 in model.safetensors, named by network and by the module's path in flax.",
    "compute_dtype": "Of the run's own computation; the result in float32 differs by its rounding alone.",
}


def export_run(run: Path, out: Path, which: Which = "best") -> None:
    """Writes the networks of a run for other frameworks; the run is only read.

    Args:
      run: Directory of a classifier or a GAN.
      out: The export, which must not exist; see `io.export`.
      which: Checkpoint, see `restore_classifier`.

    Raises:
      RunError: There is no such run or checkpoint, or `out` exists or cannot be written.
    """
    check_new_export(out)
    config, class_names, note, arrays = load_run(run, which)
    facts = load_provenance(run)
    if isinstance(config, ClassifierConfig):
        described, tensors = _classifier(config, class_names, arrays)
    else:
        described, tensors = _gan(config, class_names, arrays)
    description = {
        "kind": config.kind,
        "class_names": list(class_names),
        "image_size": config.data.image_size,
        "compute_dtype": config.dtype,
        "conventions": _CONVENTIONS,
        "ops": OPS,
        "networks": described,
        "provenance": {
            "run": str(run),
            "step": note.step,
            "checkpoint_digest": note.digest,
            "checkpoint": which,
            "config": to_dict(config),
            **{name: facts[name] for name in ("dataset_fingerprint", "fold_fingerprint", "train_fingerprint")},
            "lesion_jax": __version__,
        },
    }
    save_export(out, description, tensors)


def _classifier(config: ClassifierConfig, class_names: tuple[str, ...], arrays: Any) -> tuple[_Networks, _Tensors]:
    data, at = config.data, "classifier."
    subtract = {"op": "subtract", "value": float(arrays["hyper"]["mean"])}
    classifier = {
        "weights": "as trained; dropout is off",
        "inputs": [_hu(data)],
        "prepare": [_from_hu(data, [0.0, 1.0]), subtract, _channel(data)],
        **describe(networks.create_classifier(config, len(class_names)), at),
    }
    return {"classifier": classifier}, _tensors(arrays["classifier"], at)


def _gan(config: GanConfig, class_names: tuple[str, ...], arrays: Any) -> tuple[_Networks, _Tensors]:
    data, at = config.data, ("generator.", "discriminator.")
    described = [describe(*pair) for pair in zip(networks.create_gan(config, len(class_names)), at, strict=True)]
    latents = {"name": "z", "dtype": "float32", "shape": ["N", config.latent_size], "drawn_from": "U[-1, 1]"}
    labels = {"name": "label", "dtype": "int32", "shape": ["N"], "meaning": "index into class_names"}
    generator = {
        "weights": "the moving average of weights and running statistics (decay: provenance.config.ema_decay), which "
        "`restore_generator` and `lesion-jax sample` use",
        "makes": [data.label] if data.label else list(class_names),
        "inputs": [latents, labels] if config.kind == "acgan" else [latents],
        "prepare": [],
        **described[0],
    }
    generator["outputs"] |= {
        "hu": [
            {"op": "reshape", "shape": [data.image_size, data.image_size]},
            {"op": "to_hu", "range": [-1.0, 1.0], "window": list(data.window)},
        ]
    }
    discriminator = {
        "weights": "as trained",
        "inputs": [_hu(data)],
        "prepare": [_from_hu(data, [-1.0, 1.0]), _channel(data)],
        **described[1],
    }
    tensors = _tensors(arrays["ema"], at[0]) | _tensors(arrays["discriminator"], at[1])
    return {"generator": generator, "discriminator": discriminator}, tensors


def _hu(data: DataConfig) -> dict[str, Any]:
    return {"name": "hu", "dtype": "int16", "shape": ["N", data.image_size, data.image_size], "unit": "HU"}


def _from_hu(data: DataConfig, to: list[float]) -> dict[str, Any]:
    return {"op": "from_hu", "window": list(data.window), "range": to}


def _channel(data: DataConfig) -> dict[str, Any]:
    return {"op": "reshape", "shape": [data.image_size, data.image_size, 1]}


def _tensors(variables: dict[str, Any], at: str) -> _Tensors:
    """Parameters and running statistics by the names of `describe`; an optimizer's state stays behind."""
    found: _Tensors = {}

    def walk(node: Any, path: str) -> None:
        if not isinstance(node, dict):
            found[path] = np.asarray(node)
            return
        for name, child in node.items():
            walk(child, f"{path}.{name}")

    for part in ("params", "batch_stats"):
        for name, child in variables.get(part, {}).items():
            walk(child, at + name)
    return found
