"""Scores of a finished run, by restoring it: nothing is trained and nothing is written to it."""

from pathlib import Path
from typing import Any, Literal

import numpy as np

from lesion_jax.config import GanConfig
from lesion_jax.core.types import Images
from lesion_jax.data.augment import original
from lesion_jax.data.dataset import load_dataset
from lesion_jax.data.folds import load_folds, split
from lesion_jax.errors import ConfigError, RunError
from lesion_jax.inference.predict import predict
from lesion_jax.inference.restore import load_run_config, restore_generator
from lesion_jax.io.checkpoints import Which
from lesion_jax.io.run_directory import load_provenance
from lesion_jax.metrics.images import name_classes, score_images
from lesion_jax.metrics.predictions import score_predictions

Part = Literal["train", "inner", "test"]


def score_run(run: Path, *, dataset: Path | None = None, part: Part = "test", which: Which = "best") -> dict[str, Any]:
    """Restores a run and scores it on the lesions of its own partition.

    Args:
      run: Directory of a classifier or a GAN.
      dataset: Where its dataset lies now; None where the config says.
      part: "test": its test fold; "inner": its inner validation patients; "train": what it saw.
      which: Checkpoint.

    Returns:
      {run, kind, fold, part, checkpoint, n, class_names} and, of a classifier or an ACGAN,
      what `confusion.score_predictions` returns; of a GAN, kernel_distance {value, std, num_real, num_synthetic}.

    Raises:
      RunError: No such run, or the dataset is not the one that it was trained on.
    """
    config, facts = load_run_config(run), load_provenance(run)
    directory = dataset or Path(config.data.dataset)
    if not directory.is_dir():
        raise RunError(f"The dataset of {run} is not at {directory}; say where it lies now with --dataset.")
    lesions = load_dataset(directory)
    if lesions.fingerprint != facts["dataset_fingerprint"]:
        raise RunError(
            f"{run} was trained on dataset {facts['dataset_fingerprint'][:12]}, but {directory} is "
            f"{lesions.fingerprint[:12]}; name the right one with --dataset."
        )
    folds = load_folds(directory / "folds.json", lesions)
    parts = split(lesions, folds, config.data.fold, hold_out_inner=config.data.hold_out_inner)
    chosen = getattr(parts, part)
    if config.data.label:
        chosen = tuple(x for x in chosen if lesions.class_names[x.label] == config.data.label)
    if not chosen:
        raise ConfigError(f"part is {part!r}, but {run} holds no such lesions (data.hold_out_inner is False).")
    result: dict[str, Any] = {
        "run": str(run),
        "kind": config.kind,
        "fold": config.data.fold,
        "part": part,
        "checkpoint": which,
        "n": len(chosen),
        "class_names": list(lesions.class_names),
    }
    if config.kind != "dcgan":
        predictions = predict(run, chosen, which)
        result["predictions"] = score_predictions(
            predictions.labels, predictions.probabilities[None], lesions.num_classes
        )
    if isinstance(config, GanConfig):
        generator = restore_generator(run, which)
        real = Images(
            np.stack([original(x, config.data.image_size, config.data.margin) for x in chosen]),
            np.array([x.label for x in chosen], np.int32),
        )
        scored = score_images(lambda labels, seed: generator(labels, seed=seed), real, config.data.window, config.seed)
        result["images"] = name_classes(scored, lesions.class_names)
    return result
