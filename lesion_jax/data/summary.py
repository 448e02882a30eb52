"""What a dataset and a bank say of themselves."""

import json
from pathlib import Path
from typing import Any

from lesion_jax.core.text_table import text_table
from lesion_jax.core.types import UNITS
from lesion_jax.data.bank import PICTURE, load_bank
from lesion_jax.data.card import describe, read_origin
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.overview import folds_text, lesions_text


def describe_dataset(directory: Path) -> tuple[dict[str, Any], str]:
    """A dataset as plain values and as lines of text.

    Args:
      directory: Folder that `lesion-jax build` wrote.

    Raises:
      DataError, FoldError: Something is missing or does not belong together.
    """
    cohort = Cohort.load(directory)
    lesions, folds = cohort.lesions, cohort.folds
    facts = {"dataset": str(directory), **describe(lesions, folds), "origin": read_origin(directory)}
    lines = [f"{directory}: a dataset, fingerprint {lesions.fingerprint[:16]}", lesions_text(lesions)]
    if folds is None:
        lines.append("no folds beside it")
    else:
        lines += [f"folds of seed {folds.seed}, fingerprint {folds.fingerprint[:16]}:", folds_text(lesions, folds)]
    if notes := facts["origin"].get("notes"):
        lines += ["when it was built:", *(f"  {note}" for note in notes)]
    if lesions.phantom:
        lines.append(f"drawn by the phantom: {json.dumps(facts['phantom'])}")
    return facts, "\n".join(lines)


def describe_bank(directory: Path) -> tuple[dict[str, Any], str]:
    """A bank as plain values, its provenance, and as lines of text.

    Args:
      directory: Written by `save_bank`.

    Raises:
      BankError: It is missing, damaged or was changed.
    """
    bank = load_bank(directory)
    facts = bank.provenance
    picture = directory / PICTURE
    side = bank.images.pixels.shape[-1]
    low, high = facts["window"]
    rows = zip(facts["class_names"], facts["label_counts"], strict=True)
    lines = [
        f"{directory}: a bank of {len(bank.images)} images of {side} x {side} pixels, {UNITS[facts['unit']].title}, "
        f"shown from {low:g} to {high:g}",
        text_table(["class", "images"], list(rows)),
        *([f"picture: {picture}"] if picture.exists() else []),
        f"drawn with seed {facts['seed']} from {facts['run']}, step {facts['step']}",
        f"trained for test fold {facts['fold']} of dataset {facts['dataset_fingerprint'][:16]}, folds "
        f"{facts['fold_fingerprint'][:16]}",
    ]
    if bank.origins is not None:
        lines.append("its images are made of real lesions, which origins.json names")
    return {"bank": str(directory), **facts}, "\n".join(lines)
