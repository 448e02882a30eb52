"""A dataset's lesions once more as plain arrays, beside the TFDS records: read in a moment, and without TensorFlow.

The records are what counts: the copy holds a digest of them and is passed over when they differ. It holds the lesions'
fingerprint too: one that a disk gives back otherwise is not taken for the dataset.
"""

import hashlib
import json
import logging
from pathlib import Path

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.disk.atomic import write_bytes

_FILE = "lesions.safetensors"
_RECORDS = "lesions"


def write_lesion_arrays(lesions: LesionSet, directory: Path) -> None:
    """Writes the copy.

    Args:
      lesions: As they were read from the records of `directory`.
      directory: Folder that `build` wrote.

    Raises:
      OSError: The disk does not take it.
    """
    some = lesions.lesions
    arrays = {
        "patches": np.concatenate([lesion.patch.reshape(-1) for lesion in some]),
        "shapes": np.array([lesion.patch.shape for lesion in some], np.int64),
        "labels": np.array([lesion.label for lesion in some], np.int64),
        "diameters": np.array([lesion.diameter_mm for lesion in some], np.float64),
        "spacings": np.array([lesion.spacing_mm for lesion in some], np.float64),
        "centers": np.array([lesion.center for lesion in some], np.float64),
    }
    facts = {
        "records": _digest(directory),
        "fingerprint": lesions.fingerprint,
        "class_names": lesions.class_names,
        "unit": lesions.unit,
        "value_range": lesions.value_range,
        "phantom": lesions.phantom,
        "lesion_ids": [lesion.lesion_id for lesion in some],
        "patients": [lesion.patient for lesion in some],
        "tags": [lesion.tags for lesion in some],
    }
    # One key: of several the order in the file is random.
    write_bytes(directory / _FILE, save(arrays, metadata={"facts": json.dumps(facts)}))


def read_lesion_arrays(directory: Path) -> LesionSet | None:
    """Reads the copy; None where there is none, and, with a warning, where it is damaged or not of the records."""
    path = directory / _FILE
    if not path.exists():
        return None
    try:
        with safe_open(str(path), framework="numpy") as file:
            facts = json.loads(file.metadata()["facts"])
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no dict
        if facts["records"] != _digest(directory):
            logging.getLogger(__name__).warning(
                f"{path} is not of the records beside it, which are read in its place; one of them was changed since "
                "`lesion-jax build` wrote both. Bring the dataset back from a copy, or remove the file."
            )
            return None
        ends = np.cumsum(arrays["shapes"].prod(1))
        patches = np.split(arrays["patches"], ends[:-1])
        lesions = [
            Lesion(
                lesion_id=facts["lesion_ids"][i],
                patient=facts["patients"][i],
                label=int(arrays["labels"][i]),
                diameter_mm=float(arrays["diameters"][i]),
                spacing_mm=(float(arrays["spacings"][i][0]), float(arrays["spacings"][i][1])),
                center=(float(arrays["centers"][i][0]), float(arrays["centers"][i][1])),
                patch=patch.reshape(arrays["shapes"][i]),
                tags=facts["tags"][i],
            )
            for i, patch in enumerate(patches)
        ]
        names, unit = tuple(facts["class_names"]), facts["unit"]
        found = LesionSet.of(lesions, names, unit, facts["value_range"], facts["phantom"])
        if found.fingerprint != facts["fingerprint"]:
            raise ValueError("its lesions are not those that were written")
        return found
    except (OSError, SafetensorError, ValueError, KeyError, TypeError, IndexError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        logging.getLogger(__name__).warning(
            f"{path} is damaged ({reason}); the slower records beside it are read in its place. Remove it, or bring it "
            "back from a copy."
        )
        return None


def _digest(directory: Path) -> str:
    found = hashlib.sha256()
    for path in sorted((directory / _RECORDS).rglob("*")):
        if path.is_file():
            found.update(f"{path.relative_to(directory).as_posix()} {path.stat().st_size}\n".encode())
            found.update(path.read_bytes())
    return found.hexdigest()
