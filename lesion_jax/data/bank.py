"""Synthetic banks: images that a generator drew, with the facts that say for which fold they may be used.

A bank is a directory: images.npy (int16 [N, H, H], pixels in the unit of the dataset),
labels.npy (int32 [N]) and bank.json (its provenance, which names the unit, and a digest of everything);
where the images are made of real lesions, origins.json says which ones each is made of. bank.png shows the first ones,
and README.md says all this to who finds the directory.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.data.bank_text import describe_bank
from lesion_jax.data.origins import Origins
from lesion_jax.disk.building import building_new, check_new
from lesion_jax.errors import BankError

PICTURE = "bank.png"
_ORIGINS = "origins.json"
REQUIRED = (
    "run",
    "step",
    "checkpoint",
    "fold",
    "partition",
    "per_class",
    "subset",
    "hold_out_inner",
    "class_names",
    "seed",
    "image_size",
    "unit",
    "window",
    "dataset_fingerprint",
    "fold_fingerprint",
    "train_fingerprint",
)


@dataclasses.dataclass(frozen=True, eq=False)
class Bank:
    """A bank in memory.

    Attributes:
      images: Images in the order in which they were drawn.
      provenance: Facts about their origin: run, step, checkpoint, fold, fingerprints, seed, window and so
        on; `label_counts` is the number of images of each class.
      origins: Real lesions that each image is made of; None where a network drew them.
    """

    images: Images
    provenance: dict[str, Any]
    origins: Origins | None = None


def check_new_bank(path: Path) -> None:
    """Refuses a place where no bank can be made, before anything is drawn for it.

    Args:
      path: Directory of the bank to be.

    Raises:
      BankError: `path` exists, or its nearest parent is not a directory that can be written to.
    """
    check_new(path, "Bank", BankError)


def is_drawn(path: Path, provenance: dict[str, Any]) -> bool:
    """Whether a bank is there already, whole and drawn just so.

    Args:
      path: Directory where it would be.
      provenance: Facts that it would be saved with.

    Raises:
      BankError: Something else is there.
    """
    if not path.exists():
        return False
    held = load_bank(path).provenance
    # A run that was moved is still the same run: its checkpoint's digest says so.
    provenance = {name: value for name, value in provenance.items() if name != "run"}
    if different := [name for name, value in provenance.items() if held.get(name) != value]:
        raise BankError(
            f"Bank {path} exists, with {different[0]} {held.get(different[0])} where {provenance[different[0]]} is "
            "asked for; name another directory or remove it."
        )
    return True


def save_bank(
    path: Path,
    images: Images,
    provenance: dict[str, Any],
    origins: Origins | None = None,
    *,
    picture: bytes = b"",
) -> None:
    """Writes a bank; it appears whole or not at all.

    Args:
      path: A directory that does not exist yet.
      images: Images that the generator drew.
      provenance: Needs every fact of `REQUIRED`; more is kept.
      origins: Real lesions that each image is made of, for images that are.
      picture: A PNG of some images, for people; b"" writes none.

    Raises:
      BankError: `path` exists or cannot be written.
      RunError: Another process is writing it.
      ValueError: The provenance lacks a fact, or there are origins of another number of images.
    """
    if missing := [name for name in REQUIRED if name not in provenance]:
        raise ValueError(f"A bank's provenance needs {', '.join(missing)}.")
    if origins is not None and len(origins) != len(images):
        raise ValueError(f"There are {len(images)} images, but origins of {len(origins)}.")
    counts = np.bincount(images.labels, minlength=len(provenance["class_names"])).tolist()
    facts = {**provenance, "label_counts": counts}
    told = origins.to_json() if origins is not None else ""
    facts["digest"] = _digest(images, facts, told)
    with building_new(path, "Bank", BankError) as folder:
        np.save(folder / "images.npy", images.pixels)
        np.save(folder / "labels.npy", images.labels)
        if told:
            (folder / _ORIGINS).write_text(told)
        if picture:
            (folder / PICTURE).write_bytes(picture)
        (folder / "README.md").write_text(describe_bank(facts, len(images)))
        (folder / "bank.json").write_text(json.dumps(facts, indent=1) + "\n")


def load_bank(path: Path | str) -> Bank:
    """Reads a bank.

    Args:
      path: Written by `lesion-jax sample`.

    Returns:
      A `Bank`: images.pixels int16 [N, H, H] in the unit that provenance["unit"] names; images.labels int32 [N],
      positions in provenance["class_names"]; provenance, a dict: run, step, checkpoint, fold, seed, window,
      label_counts and fingerprints of the patients that its generator saw; origins, for images made of real lesions.

    Raises:
      BankError: It is missing, damaged or was changed.
    """
    path = Path(path)
    try:
        if not path.is_dir():
            raise BankError(f"Bank {path} does not exist; draw one with `lesion-jax sample`.")
        images = Images(
            np.load(path / "images.npy", allow_pickle=False), np.load(path / "labels.npy", allow_pickle=False)
        )
        provenance = json.loads((path / "bank.json").read_text())
        digest = provenance.pop("digest")
        told = (path / _ORIGINS).read_text() if (path / _ORIGINS).exists() else ""
    except PermissionError as error:
        raise BankError(f"Bank {path} cannot be read ({error.strerror or error}); make it readable.") from None
    except (OSError, ValueError, TypeError, KeyError, AttributeError, EOFError) as error:
        raise BankError(f"Bank {path} is not readable ({error}); draw it again with `lesion-jax sample`.") from None
    if digest != _digest(images, provenance, told):
        raise BankError(f"Bank {path} is damaged or was changed; draw it again with `lesion-jax sample`.")
    return Bank(images, provenance, Origins.from_json(told) if told else None)


def check_bank(bank: Bank, *, train_fingerprint: str, train_patients: Collection[str], path: Path, run: str) -> None:
    """Refuses a bank whose generator was not trained on exactly the run's own training patients.

    A generator that saw other patients may have seen those that the run is tested on. Images that are made of real
    lesions must be made of those patients' too.

    Args:
      bank: The bank.
      train_fingerprint: Digest of the run's training patients, by `folds.train_fingerprint`.
      train_patients: Their hashes.
      path: Directory of the bank, for the message.
      run: Name of what wants the bank, for the message.

    Raises:
      BankError: The patients differ; both are named. Or an image is made of another patient's lesion or tissue.
    """
    theirs = bank.provenance["train_fingerprint"]
    if theirs != train_fingerprint:
        raise BankError(
            f"Bank {path} was drawn from a generator trained on patients {theirs[:12]} (run {bank.provenance['run']}, "
            f"test fold {bank.provenance['fold']}), but {run} trains on patients {train_fingerprint[:12]}; use a bank "
            "of the same fold, with the same data.hold_out_inner."
        )
    if bank.origins and (strangers := set(bank.origins.patients.values()) - set(train_patients)):
        raise BankError(
            f"Bank {path} holds images made of lesions of {len(strangers)} patients, such as {min(strangers)[:12]}, on "
            f"whom {run} does not train; draw it again with `lesion-jax sample`."
        )


def take_per_class(images: Images, num: int, *, source: str = "The bank") -> Images:
    """The first images of every class that occurs.

    Args:
      images: N images.
      num: Images of each class.
      source: Name of their origin, for the message.

    Returns:
      num images of each class, classes taking turns: what is taken with a smaller `num` is a prefix.

    Raises:
      BankError: A class has fewer.
    """
    labels, counts = np.unique(images.labels, return_counts=True)
    for label, count in zip(labels.tolist(), counts.tolist(), strict=True):
        if count < num:
            raise BankError(
                f"{source} holds {count} images of class {label}, but {num} are wanted (data.synthetic_size for each "
                "training fold); draw a larger bank."
            )
    turns = [np.flatnonzero(images.labels == label)[:num] for label in labels]
    return images[np.stack(turns, axis=1).reshape(-1) if turns else slice(0)]


def _digest(images: Images, facts: dict[str, Any], origins: str) -> str:
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode())
    digest.update(origins.encode())
    digest.update(images.labels.tobytes())
    digest.update(images.pixels.tobytes())
    return digest.hexdigest()
