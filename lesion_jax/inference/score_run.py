"""Scores of a finished run, by restoring it: nothing is trained and nothing is written to it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from lesion_jax.core.types import Lesion
from lesion_jax.families import family_of
from lesion_jax.inference.load import load_run_config
from lesion_jax.inference.own_lesions import Part, own_lesions, sample_of
from lesion_jax.inference.predict import predictions_of
from lesion_jax.inference.restore import RestoredClassifier, RestoredGenerator, restore_classifier, restore_generator
from lesion_jax.io.run_directory import load_provenance
from lesion_jax.io.saved_checkpoints import Which
from lesion_jax.metrics.images import name_classes, score_images
from lesion_jax.metrics.predictions import score_predictions


def score_run(
    run: Path, *, dataset: Path | None = None, part: Part = "test", which: Which | Literal["auto"] = "auto"
) -> dict[str, Any]:
    """Restores a run and scores whatever it can do on the lesions of its own partition.

    Args:
      run: Directory of a training.
      dataset: Where its dataset lies now; None where the config says.
      part: "test": its test fold; "inner": its inner validation patients; "train": what it saw.
      which: Checkpoint, see `restore_classifier`; "auto" draws with the best.

    Returns:
      {run, kind, fold, part, n, class_names}; "predictions" where it can classify: {checkpoint, step} and what
      `score_predictions` returns; "images" where it can draw: {checkpoint, step} and what `score_images` returns, with
      class names in place of labels.

    Raises:
      RunError: No such run, or the dataset is not the one that it was trained on.
    """
    config = load_run_config(run)
    family = family_of(config)
    lesions = own_lesions(run, part, dataset)
    result: dict[str, Any] = {
        "run": str(run),
        "kind": config.kind,
        "fold": config.data.fold,
        "part": part,
        "n": len(lesions),
        "class_names": load_provenance(run)["class_names"],
    }
    if family.classify is not None:
        result["predictions"] = _score_predictions(restore_classifier(run, which), lesions)
    if family.draw is not None:
        result["images"] = _score_images(
            restore_generator(run, "best" if which == "auto" else which, dataset=dataset),
            lesions,
            own_lesions(run, "train", dataset) if part != "train" else None,
        )
    return result


def _score_predictions(classifier: RestoredClassifier, lesions: Sequence[Lesion]) -> dict[str, Any]:
    found = predictions_of(classifier, lesions)
    scored = score_predictions(found.labels, found.probabilities[None], len(classifier.class_names), found.patients)
    return {"checkpoint": classifier.which, "step": classifier.step, **scored}


def _score_images(
    generator: RestoredGenerator, lesions: Sequence[Lesion], others: Sequence[Lesion] | None
) -> dict[str, Any]:
    real, floor = (None if some is None else sample_of(some, generator.config.data) for some in (lesions, others))
    assert real is not None
    scored = score_images(generator, real, generator.config.seed, others=floor)
    return {"checkpoint": generator.which, "step": generator.step, **name_classes(scored, generator.class_names)}
