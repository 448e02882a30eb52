"""Whether two output directories hold the same results: everything to the bit, but wall times."""

import hashlib
import json
from pathlib import Path

from lesion_jax.data.lesion_arrays import read_lesion_arrays
from lesion_jax.data.tfds_builder import read_dataset
from lesion_jax.io.checkpoint_format import read_arrays, read_note

# Which process made it, and when.
_OF_THE_PROCESS = ("environment", "continued")
_WITHOUT_RESULTS = {"tensorboard", "packings", "compiled"}


def results_of(directory: Path) -> dict[str, str]:
    """What a run, a dataset, a bank or a whole protocol came to.

    Args:
      directory: Finished; nobody writes there.

    Returns:
      Relative path -> what stands for the content: of a checkpoint its step, score and the digest of its arrays (they
      are read and checked), of provenance.json the facts, of a dataset's records the fingerprint of their content (the
      order of fields in a record is protobuf's whim), of every other file its bytes. TensorBoard's files, which hold
      wall times, what was timed to choose a packing, and compiled code are left out.
    """
    found = {}
    for path in sorted(directory.rglob("*")):
        name = str(path.relative_to(directory))
        if _WITHOUT_RESULTS & set(path.relative_to(directory).parts) or not path.is_file():
            continue
        if "checkpoints" in path.relative_to(directory).parts:
            checkpoint = _checkpoint_of(path)
            # Not what was set aside because it was damaged.
            if not checkpoint.name.isdigit():
                continue
            if (key := str(checkpoint.relative_to(directory))) not in found:
                read_arrays(checkpoint)
                found[key] = str(read_note(checkpoint))
        elif ".tfrecord" in path.name:
            read = read_dataset(_dataset_of(path))
            found[name] = read.fingerprint if read else "no dataset"
        elif path.name == "lesions.safetensors":
            # It holds a digest of the records.
            copied = read_lesion_arrays(path.parent)
            found[name] = copied.fingerprint if copied else "not of the records"
        elif path.name == "provenance.json":
            facts = {k: v for k, v in json.loads(path.read_text()).items() if k not in _OF_THE_PROCESS}
            found[name] = json.dumps(facts, sort_keys=True)
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def differences(first: dict[str, str], second: dict[str, str]) -> list[str]:
    """Names whose content differs, or that only one side has."""
    return sorted(name for name in {*first, *second} if first.get(name) != second.get(name))


def _checkpoint_of(path: Path) -> Path:
    return next(parent for parent in path.parents if parent.parent.name == "checkpoints")


def _dataset_of(path: Path) -> Path:
    # DATASET/lesions/CONFIG/VERSION/FILE, as TFDS lays it out.
    return path.parents[3]
