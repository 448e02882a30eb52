"""Scores of finished runs, by restoring them: nothing is trained and nothing is written to them."""

import dataclasses
import functools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from lesion_jax.config import TrainingConfig
from lesion_jax.core.types import Lesion
from lesion_jax.data.cohort import Cohort
from lesion_jax.families import family_of
from lesion_jax.inference.load import load_run_config
from lesion_jax.inference.own_lesions import Part, own_lesions, sample_of
from lesion_jax.inference.predict import Predictions, predictions_of
from lesion_jax.inference.restore import RestoredClassifier, RestoredGenerator, restore_classifier, restore_generator
from lesion_jax.io.run_files import load_provenance
from lesion_jax.io.saved_checkpoints import Which
from lesion_jax.metrics.images import name_classes, score_images
from lesion_jax.metrics.predictions import score_predictions


@dataclasses.dataclass(frozen=True, eq=False)
class ScoredRun:
    """Scores of one run.

    Attributes:
      config: Config of the training.
      result: What `score_run` returns.
      predictions: What it said of each lesion; None where it does not classify.
    """

    config: TrainingConfig
    result: dict[str, Any]
    predictions: Predictions | None


def score_run(
    run: Path | str, *, dataset: Path | str | None = None, part: Part = "test", which: Which | Literal["auto"] = "auto"
) -> dict[str, Any]:
    """Restores a run and scores whatever it can do on the lesions of its own partition: what `evaluate` prints.

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
    return score_runs([run], dataset=dataset, part=part, which=which)[0].result


def score_runs(
    runs: Sequence[Path | str],
    *,
    dataset: Path | str | None = None,
    part: Part = "test",
    which: Which | Literal["auto"] = "auto",
) -> list[ScoredRun]:
    """Scores several runs, in their order; a dataset that they share is read once. See `score_run`.

    Args:
      runs: Directories of trainings.
      dataset: Where the dataset of all of them lies now; None where their configs say.
      part: See `score_run`.
      which: See `score_run`.

    Raises:
      RunError: No such run, or the dataset is not the one that it was trained on.
    """
    where = None if dataset is None else Path(dataset)
    load = functools.cache(Cohort.load)
    return [_scored(Path(run), where, part, which, load) for run in runs]


def _scored(
    run: Path, dataset: Path | None, part: Part, which: Which | Literal["auto"], load: Callable[[Path], Cohort]
) -> ScoredRun:
    config = load_run_config(run)
    family = family_of(config)
    lesions = own_lesions(run, part, dataset, load=load)
    result: dict[str, Any] = {
        "run": str(run),
        "kind": config.kind,
        "fold": config.data.fold,
        "part": part,
        "n": len(lesions),
        "class_names": load_provenance(run)["class_names"],
    }
    predictions = None
    if family.classify is not None:
        classifier = restore_classifier(run, which)
        predictions = predictions_of(classifier, lesions)
        result["predictions"] = _score_predictions(classifier, predictions)
    if family.draw is not None:
        result["images"] = _score_images(
            restore_generator(run, "best" if which == "auto" else which, dataset=dataset),
            lesions,
            own_lesions(run, "train", dataset, load=load) if part != "train" else None,
        )
    return ScoredRun(config, result, predictions)


def _score_predictions(classifier: RestoredClassifier, found: Predictions) -> dict[str, Any]:
    scored = score_predictions(found.labels, found.probabilities[None], len(classifier.class_names), found.patients)
    return {"checkpoint": classifier.which, "step": classifier.step, **scored}


def _score_images(
    generator: RestoredGenerator, lesions: Sequence[Lesion], others: Sequence[Lesion] | None
) -> dict[str, Any]:
    real, floor = (None if some is None else sample_of(some, generator.config.data) for some in (lesions, others))
    assert real is not None
    scored = score_images(generator, real, generator.config.seed, others=floor)
    return {"checkpoint": generator.which, "step": generator.step, **name_classes(scored, generator.class_names)}
