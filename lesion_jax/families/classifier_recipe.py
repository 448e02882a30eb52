"""What a classifier's step does besides the paper's, and how its weights are updated."""

import dataclasses
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from lesion_jax.core.state import Network, Tree
from lesion_jax.data.training_images import TrainingImages
from lesion_jax.families.ema import moved

Hyper = dict[str, jax.Array]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What is compiled into a step; by default nothing but the paper's.

    Attributes:
      parts: Traced settings that are on, see `config.fields.parts_of`.
      learning_rate_schedule: As in `ClassifierConfig`, like the rest.
      mixing: How images are mixed with each other.
      intensity: How pixel values are disturbed.
    """

    parts: tuple[str, ...] = ()
    learning_rate_schedule: str = "constant"
    mixing: str = "none"
    intensity: str = "none"

    @property
    def needs_synthetic_steps(self) -> bool:
        """Whether a step asks until when synthetic images are used."""
        return self.mixing == "genmix" or "fine_tuning_rate" in self.parts


def facts_of(recipe: Recipe, images: TrainingImages | None, num_steps: int) -> Hyper:
    """What a step must know besides the traced settings, for the state's `hyper`.

    Args:
      recipe: What is on.
      images: Images of the training; None where only shapes matter.
      num_steps: Steps of the whole training.

    Returns:
      Where the recipe asks for them: num_steps; synthetic_steps, how many of them use synthetic images; log_prior,
      float32 [C].
    """
    found: Hyper = {}
    if recipe.learning_rate_schedule == "cosine":
        found["num_steps"] = jnp.int32(num_steps)
    if recipe.needs_synthetic_steps:
        steps = images.schedule.synthetic_steps if images else None
        found["synthetic_steps"] = jnp.int32(np.iinfo(np.int32).max if steps is None else steps)
    if "logit_adjustment" in recipe.parts:
        found["log_prior"] = jnp.asarray(np.log(label_shares(images)) if images else np.zeros(1), jnp.float32)
    return found


def label_shares(images: TrainingImages) -> np.ndarray:
    """How often a step sees each class: of all images as they are mixed, or of the real ones where those come last.

    Args:
      images: Images of the training, of which the real ones are taken as they are.

    Returns:
      float64 [C]; a class without an image counts as one image.
    """

    def shares(labels: np.ndarray) -> np.ndarray:
        counts = np.bincount(labels, minlength=len(images.class_names))
        return np.maximum(counts, 1) / np.maximum(counts, 1).sum()

    schedule, labels = images.schedule, images.images.labels
    if schedule.synthetic_steps is not None or not schedule.num_synthetic:
        return shares(images.real.labels)
    if not schedule.synthetic_share:
        return shares(labels)
    share = schedule.synthetic_share
    return (1 - share) * shares(images.real.labels) + share * shares(labels[schedule.num_real :])


def learning_rate(recipe: Recipe, hyper: Hyper, step: jax.Array) -> jax.Array:
    """The learning rate of a step, counted from 0.

    By cosine it falls from the full rate to 0 after the last step (Loshchilov and Hutter 2017, "SGDR", without
    restarts).
    """
    rate = hyper["learning_rate"]
    if recipe.learning_rate_schedule == "cosine":
        rate = rate * 0.5 * (1.0 + jnp.cos(math.pi * step / hyper["num_steps"]))
    if "fine_tuning_rate" in recipe.parts:
        rate = jnp.where(step < hyper["synthetic_steps"], rate, rate * hyper["fine_tuning_rate"])
    return rate


def optimizer(recipe: Recipe, hyper: Hyper, step: jax.Array | int = 0) -> optax.GradientTransformation:
    """SGD with Nesterov momentum at the rate of a step.

    Weight decay is L2: it joins the gradient before the momentum, for all weights, as in the SGD of most frameworks, so
    that values from the literature carry over. Its effect goes with the learning rate, and falls with it.
    """
    rate: Any = learning_rate(recipe, hyper, jnp.asarray(step))
    sgd = optax.sgd(rate, momentum=hyper["momentum"], nesterov=True)  # pyright: ignore[reportArgumentType]
    if "weight_decay" not in recipe.parts:
        return sgd
    weight_decay: Any = hyper["weight_decay"]
    return optax.chain(optax.add_decayed_weights(weight_decay), sgd)


def initial_average(recipe: Recipe, network: Network) -> dict[str, Tree]:
    """`TrainState.ema` before the first step; {} where no average is kept."""
    if "ema_decay" not in recipe.parts:
        return {}
    return {"classifier": jax.tree.map(jnp.copy, network.variables)}


def averaged(ema: dict[str, Tree], network: Network, hyper: Hyper, step: jax.Array) -> dict[str, Tree]:
    """The average after step `step`, counted from 0; {} stays {}.

    The decay is at most (1 + step) / (10 + step), as in TensorFlow's `ExponentialMovingAverage`: a short training's
    average would otherwise hold its initial weights.
    """
    if not ema:
        return {}
    decay = jnp.minimum(hyper["ema_decay"], (1.0 + step) / (10.0 + step))
    return {"classifier": moved(ema["classifier"], network.variables, decay)}
