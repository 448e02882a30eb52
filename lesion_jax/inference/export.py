"""Exporting a run: its networks and what it takes to use them, in files that need none of our code."""

import logging
from pathlib import Path

from lesion_jax import __version__
from lesion_jax.config import to_dict
from lesion_jax.families import family_of
from lesion_jax.inference.load import load_run, load_run_config, require
from lesion_jax.inference.own_copies import warn_of_copies
from lesion_jax.inference.restore import restore_generator
from lesion_jax.io.export import check_new_export, save_export
from lesion_jax.io.run_directory import load_provenance
from lesion_jax.io.saved_checkpoints import Which
from lesion_jax.models.describe import OPS

_log = logging.getLogger(__name__)
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
    description = {
        "kind": config.kind,
        "class_names": list(restored.class_names),
        "image_size": config.data.image_size,
        "unit": restored.unit,
        "compute_dtype": config.dtype,
        "conventions": _CONVENTIONS,
        "ops": OPS,
        "networks": networks,
        "provenance": {
            "run": str(run),
            "step": restored.step,
            "checkpoint_digest": restored.note.digest,
            "checkpoint": which,
            "config": to_dict(config),
            **{name: facts[name] for name in ("dataset_fingerprint", "fold_fingerprint", "train_fingerprint")},
            "lesion_jax": __version__,
        },
    }
    save_export(out, description, tensors)
