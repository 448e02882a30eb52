"""Scores and pictures of a training; which ones follows from what its family can do, not from which one it is."""

import dataclasses
from typing import Any

import flax.serialization
import jax
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.core import keys
from lesion_jax.core.types import UNITS, Images
from lesion_jax.data.training_images import TrainingImages
from lesion_jax.families import family_of
from lesion_jax.families.base import Arrays
from lesion_jax.families.context import Context
from lesion_jax.metrics.collapse import describe_collapse
from lesion_jax.metrics.images import checkpoint_score, scalars, score_images
from lesion_jax.metrics.sample import Sample

# Images per class in a sample grid, in two rows.
_NUM_SHOWN = 16


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Scores of a training at one step.

    Attributes:
      score: Score that chooses the best checkpoint, higher is better; None without inner images.
      scalars: Numbers by "split/group/name".
      collapse: One sentence where the training has collapsed, or has not begun to learn.
    """

    score: float | None
    scalars: dict[str, float]
    collapse: str | None = None


def arrays_of(state: Any) -> Arrays:
    """A state as the nested dicts that a checkpoint holds; nothing is copied."""
    return flax.serialization.to_state_dict(state)


def evaluate(config: TrainingConfig, images: TrainingImages, arrays: Arrays, step: int) -> Evaluation:
    """Scores a training on its inner validation images.

    A family that draws is scored by its images, whatever else it can do; one that only classifies by its answers.

    Args:
      config: Resolved config.
      images: Images of the training.
      arrays: Arrays of its state, by `arrays_of`.
      step: Steps taken.
    """
    if family_of(config).draw is not None:
        return _evaluate_images(config, images, arrays, step)
    return _evaluate_answers(config, images, arrays)


def pictures(config: TrainingConfig, images: TrainingImages, arrays: Arrays) -> dict[str, np.ndarray]:
    """{name: uint8 picture [H, W, 3]} of a training: images of each class, with its name and a scale in the unit.

    Empty for a family that draws nothing.
    """
    if family_of(config).draw is None:
        return {}
    # Here: it imports matplotlib, for its font, which a classifier does without.
    from lesion_jax.io.class_picture import class_picture

    labels = np.repeat(np.unique(images.images.labels), _NUM_SHOWN).astype(np.int32)
    drawn, window = Images(draw(config, images, arrays, labels, config.seed), labels), config.data.window
    unit = UNITS[images.unit].title
    sheet = class_picture(
        drawn, images.class_names, (window[0], window[1]), unit, most=_NUM_SHOWN, columns=_NUM_SHOWN // 2, side=64
    )
    return {"samples": np.asarray(sheet)}


def draw(config: TrainingConfig, images: TrainingImages, arrays: Arrays, labels: np.ndarray, seed: int) -> np.ndarray:
    """Draws images during training: image i is a function of (arrays, seed, i, labels[i]).

    Args:
      config: Config of a family that draws.
      images: Images of the training.
      arrays: Arrays of its state, by `arrays_of`.
      labels: int32 [N].
      seed: Seed of the drawing.

    Returns:
      int16 [N, H, H], on the host.
    """
    family = family_of(config)
    assert family.draw is not None
    context = Context.of(images.lesions, config, images.unit) if family.origins else None
    image_keys = keys.per_image(seed, len(labels))
    return family.draw(config, len(images.class_names), arrays, image_keys, labels, context)


def _evaluate_images(config: TrainingConfig, images: TrainingImages, arrays: Arrays, step: int) -> Evaluation:
    window: Any = config.data.window
    # Without inner images nothing is chosen by the scores, but a collapse shows beside the training images too.
    is_inner = len(images.inner) >= 3
    real = images.inner if is_inner else images.originals
    # The floor is the same at every evaluation: `evaluate` and the reports say it, once.
    found = score_images(
        lambda labels, seed: draw(config, images, arrays, labels, seed),
        Sample.of(real, window),
        config.seed,
        is_report=False,
    )
    split = "inner" if is_inner else "train"
    numbers = {f"{split}/{name}": value for name, value in scalars(found, images.class_names).items()}
    health = {name: float(value) for name, value in jax.device_get(arrays.get("health", {})).items()}
    numbers |= {f"health/{name}": value for name, value in health.items()}
    collapse = describe_collapse(step, found, images.class_names, health)
    score, inner_loss = checkpoint_score(found) if is_inner else None, family_of(config).inner_loss
    if is_inner and inner_loss is not None:
        numbers["inner/loss"] = inner_loss(config, images, arrays)
        score = -numbers["inner/loss"]
    return Evaluation(score, numbers, collapse)


def _evaluate_answers(config: TrainingConfig, images: TrainingImages, arrays: Arrays) -> Evaluation:
    inner: Images = images.inner
    if not len(inner):
        return Evaluation(None, {})
    classify = family_of(config).classify
    assert classify is not None
    probabilities, _ = classify(config, len(images.class_names), arrays, inner.pixels)
    likelihood = float(np.mean(np.log(probabilities[np.arange(len(inner)), inner.labels] + 1e-12)))
    accuracy = float(np.mean(probabilities.argmax(-1) == inner.labels))
    # The likelihood chooses: with a few dozen lesions accuracy moves in steps of several per cent.
    return Evaluation(likelihood, {"inner/loss/cross_entropy": -likelihood, "inner/accuracy": accuracy})
