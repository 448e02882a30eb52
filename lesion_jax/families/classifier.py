"""The paper's CNN (section on the classifier): classic augmentation, SGD with Nesterov momentum, cross-entropy."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.config.fields import parts_of
from lesion_jax.core.periods import to_steps
from lesion_jax.core.state import TrainState
from lesion_jax.data.training_images import TrainingImages, mean_intensity
from lesion_jax.families import chunks
from lesion_jax.families.base import Arrays, Average, Family, Program, Step, compute_dtype, hyper_of
from lesion_jax.families.classifier_config import ClassifierConfig
from lesion_jax.families.classifier_export import answering, describe_classifier
from lesion_jax.families.classifier_recipe import Hyper, Recipe, facts_of
from lesion_jax.families.classifier_step import create_classifier_state, make_classifier_step, network_input
from lesion_jax.models.cnn import Classifier


@dataclasses.dataclass(frozen=True)
class ClassifierProgram(Program):
    """Program of the classifier: its network, and the range of pixel values that it can tell apart."""

    classifier: nn.Module
    window: tuple[float, float]
    recipe: Recipe

    def as_products(self) -> "ClassifierProgram":
        """See `Program`."""
        return dataclasses.replace(self, classifier=self.classifier.clone(as_products=True))

    def make_step(self, average: Average) -> Step:
        """See `make_classifier_step`."""
        return make_classifier_step(self.classifier, window=self.window, average=average, recipe=self.recipe)


def _network(config: ClassifierConfig, num_classes: int) -> nn.Module:
    return Classifier(num_classes=num_classes, width=config.width, dtype=compute_dtype(config))


def _make_program(config: ClassifierConfig, num_classes: int) -> ClassifierProgram:
    window: Any = config.data.window
    return ClassifierProgram(_network(config, num_classes), window, _recipe(config))


def _recipe(config: ClassifierConfig) -> Recipe:
    return Recipe(parts_of(config), config.learning_rate_schedule, config.mixing, config.intensity)


def _init_state(config: ClassifierConfig, program: ClassifierProgram, images: TrainingImages | None) -> TrainState:
    mean, num_steps = 0.0, 1
    if images:
        # Of real images: what the same network sees without a bank is shifted by the same number.
        mean = mean_intensity(images.real, program.window)
        duration, steps_per_epoch = config.loop.duration, images.schedule.steps_per_epoch
        num_steps = to_steps(duration, field="loop.duration", steps_per_epoch=steps_per_epoch)
    return create_classifier_state(
        program.classifier,
        seed=config.seed,
        image_size=config.data.image_size,
        hyper=hyper_of(config) | {"mean": jnp.float32(mean)} | facts_of(program.recipe, images, num_steps),
        recipe=program.recipe,
    )


def _classify(
    config: ClassifierConfig, num_classes: int, arrays: Arrays, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    apply = _compiled(_network(config, num_classes), config.data.window, "input_scale" in parts_of(config))
    params, hyper = answering(config, arrays)["params"], arrays["hyper"]
    hyper = {name: hyper[name] for name in ("mean", "input_scale")}
    return chunks.classify(lambda some: apply(params, hyper, some), pixels)


# Modules are hashable dataclasses: trainings of one shape share a compiled function, however many there are.
@functools.cache
def _compiled(classifier: nn.Module, window: Any, is_scaled: bool) -> Callable[..., Any]:
    """f(params, hyper, pixels [B, H, H]) -> (probabilities [B, C], features [B, F]), dropout off."""
    run: Any = classifier.apply

    @jax.jit
    def apply(params: Any, hyper: Hyper, pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits, features = run({"params": params}, network_input(pixels, window, hyper, is_scaled=is_scaled)[..., None])
        return jax.nn.softmax(logits), features

    return apply


CLASSIFIER = Family(
    name="classifier",
    title="Classifier",
    stream="classifier",
    config=ClassifierConfig,
    make_program=_make_program,
    init_state=_init_state,
    classify=_classify,
    describe=describe_classifier,
)
