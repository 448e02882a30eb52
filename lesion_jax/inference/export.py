"""Exporting a run: its networks and what it takes to use them, in files that need none of our code."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax import __version__
from lesion_jax.config import to_dict
from lesion_jax.data.describe_image import describe_image, example_image
from lesion_jax.families import family_of
from lesion_jax.inference.load import Restored, load_run, load_run_config, require
from lesion_jax.inference.own_copies import warn_of_copies
from lesion_jax.inference.restore import RestoredClassifier, RestoredGenerator, restore_generator
from lesion_jax.io.export import check_new_export, save_export
from lesion_jax.io.export_compute import compute
from lesion_jax.io.run_files import load_provenance
from lesion_jax.io.saved_checkpoints import Which
from lesion_jax.models.describe import OPS

_log = logging.getLogger(__name__)
_COARSE = 0.05
_CONVENTIONS = {
    "layout": "Batches first. Images are [N, rows, columns, channels]; pixels have no channel axis.",
    "network": "x is the first of inputs. Apply prepare, then layers: their last x goes into each list of outputs.",
    "tensors": "float32 in model.safetensors, named by network and by the module's path in flax.",
    "compute_dtype": "That of the run itself; the result in float32 differs by rounding alone.",
}


def export_run(run: Path, out: Path, which: Which = "best") -> None:
    """Writes the networks of a run for other frameworks; the run is only read.

    Args:
      run: Directory of a run whose family describes its networks.
      out: The export, which must not exist; see `io.export`.
      which: Checkpoint, see `load_run`.

    Raises:
      RunError: There is no such run or checkpoint, the run cannot be exported, or `out` exists or cannot be written.
    """
    check_new_export(out)
    family = family_of(load_run_config(run))
    require(run, family, "describe", "be exported")
    assert family.describe is not None
    if family.draw is not None and (warning := warn_of_copies(restore_generator(run, which))):
        _log.warning("%s", warning)
    restored = load_run(run, which)
    config, facts = restored.config, load_provenance(run)
    networks, tensors = family.describe(config, restored.class_names, restored.unit, restored.arrays)
    description: dict[str, Any] = {
        "kind": config.kind,
        "class_names": list(restored.class_names),
        "image_size": config.data.image_size,
        "unit": restored.unit,
        "compute_dtype": config.dtype,
        "conventions": _CONVENTIONS,
        "ops": OPS,
        "networks": networks,
        "image": describe_image(config.data, restored.unit),
        "example": "example.safetensors: NETWORK.inputs.NAME, NETWORK.outputs.NAME (computed in float32), image.*",
        "provenance": {
            "run": str(run),
            "step": restored.step,
            "checkpoint_digest": restored.note.digest,
            "checkpoint": which,
            "score": restored.note.score,
            "score_is": "of the checkpoint, on inner validation patients, higher is better; null where there is none",
            "config": to_dict(config),
            **{name: facts[name] for name in ("dataset_fingerprint", "fold_fingerprint", "train_fingerprint")},
            "lesion_jax": __version__,
        },
    }
    example = {f"image.{name}": array for name, array in example_image(config.data, restored.unit).items()}
    for name, network in networks.items():
        inputs = _example_inputs(network, restored)
        outputs = compute(description, tensors, name, inputs)
        _check_same(restored, inputs, outputs)
        example |= {f"{name}.inputs.{key}": array for key, array in inputs.items()}
        example |= {f"{name}.outputs.{key}": array for key, array in outputs.items()}
    save_export(out, description, tensors, example)


def _example_inputs(network: Mapping[str, Any], restored: Restored) -> dict[str, np.ndarray]:
    data, num = restored.config.data, len(restored.class_names)
    draw = np.random.default_rng(0)
    (low, high), side = data.window, data.image_size
    # From below the window to above it, so that a network does not say the same of all.
    levels = np.linspace(low, high, num)[:, None, None]
    labels = [restored.class_names.index(name) for name in network.get("makes", restored.class_names)]
    made = {
        "pixels": np.rint(draw.normal(levels, (high - low) / 10, (num, side, side))).astype(np.int16),
        "label": np.resize(labels, num).astype(np.int32),
    }
    latents = {given["name"]: given["shape"] for given in network["inputs"] if given["name"] not in made}
    made |= {name: draw.uniform(-1, 1, (num, *shape[1:])).astype(np.float32) for name, shape in latents.items()}
    return {given["name"]: made[given["name"]] for given in network["inputs"]}


def _check_same(restored: Restored, inputs: Mapping[str, Any], outputs: Mapping[str, np.ndarray]) -> None:
    """That what is described is what the run computes, up to rounding: in bfloat16, or on a GPU, it is coarse."""
    (low, high), family = restored.config.data.window, restored.family
    apart = 0.0
    if "probabilities" in outputs and family.classify is not None:
        probabilities, _ = RestoredClassifier(**vars(restored))(inputs["pixels"])
        apart = np.abs(probabilities - outputs["probabilities"]).max()
    if "pixels" in outputs and family.draw_from_latents is not None:
        generator = RestoredGenerator(**vars(restored))
        labels = inputs.get("label", np.resize(generator.labels, len(inputs["z"])).astype(np.int32))
        drawn = generator.from_latents(inputs["z"], labels)
        apart = np.abs(drawn.astype(np.float64) - outputs["pixels"]).max() / (high - low)
    if not apart <= _COARSE:
        raise RuntimeError(f"The description of {restored.run} computes something else, by {apart:.3g} of the range.")
