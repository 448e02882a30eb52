"""What a run says of lesions: the originals, cropped as in training, never augmented."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from lesion_jax.core.types import Lesion
from lesion_jax.data.lesion_images import original_images
from lesion_jax.inference.restore import RestoredClassifier, restore_classifier
from lesion_jax.io.saved_checkpoints import Which


@dataclasses.dataclass(frozen=True, eq=False)
class Predictions:
    """One row per lesion.

    Attributes:
      lesion_ids: Stable names.
      patients: Hash of each lesion's patient, for statistics that resample patients.
      labels: int64 [N], the truth.
      probabilities: float32 [N, C].
      features: float32 [N, F], last layer.
      steps: Steps of the checkpoints that said it, one per network.
    """

    lesion_ids: tuple[str, ...]
    patients: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    features: np.ndarray
    steps: tuple[int, ...]

    @property
    def classes(self) -> np.ndarray:
        """int64 [N], the most probable class."""
        return self.probabilities.argmax(-1)

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        return float(np.mean(self.classes == self.labels))

    @property
    def log_likelihood(self) -> float:
        """Mean natural logarithm of the probability given to the truth."""
        return float(np.mean(np.log(self.probabilities[np.arange(len(self.labels)), self.labels] + 1e-12)))


def predict(run: Path, lesions: Sequence[Lesion], which: Which | Literal["auto"] = "auto") -> Predictions:
    """Classifies lesions with a run.

    Args:
      run: Directory of a run that can classify.
      lesions: At least one.
      which: Checkpoint, see `restore_classifier`.

    Raises:
      RunError: The run cannot classify.
    """
    return predictions_of(restore_classifier(run, which), lesions)


def predictions_of(classifier: RestoredClassifier, lesions: Sequence[Lesion]) -> Predictions:
    """Classifies lesions with a restored classifier.

    Args:
      classifier: From `restore_classifier`.
      lesions: At least one.
    """
    data = classifier.config.data
    images = original_images(lesions, data.image_size, data.margin)
    probabilities, features = classifier(images.pixels)
    return Predictions(
        lesion_ids=tuple(lesion.lesion_id for lesion in lesions),
        patients=tuple(lesion.patient for lesion in lesions),
        labels=images.labels.astype(np.int64),
        probabilities=probabilities,
        features=features,
        steps=(classifier.step,),
    )


def pooled(parts: Sequence[Predictions]) -> Predictions:
    """Predictions of several folds as one; features of different networks are not comparable."""
    return Predictions(
        lesion_ids=tuple(i for part in parts for i in part.lesion_ids),
        patients=tuple(p for part in parts for p in part.patients),
        labels=np.concatenate([part.labels for part in parts]),
        probabilities=np.concatenate([part.probabilities for part in parts]),
        features=np.concatenate([part.features for part in parts]),
        steps=tuple(step for part in parts for step in part.steps),
    )
