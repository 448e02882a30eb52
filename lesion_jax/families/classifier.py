"""The paper's CNN (section on the classifier): classic augmentation, SGD with Nesterov momentum, cross-entropy."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import compiled, traced
from lesion_jax.core.intensity import to_unit
from lesion_jax.core.state import TrainState
from lesion_jax.data.cohort import TrainingImages, mean_intensity
from lesion_jax.errors import ConfigError
from lesion_jax.families import chunks
from lesion_jax.families.base import DTYPES, Arrays, Average, Family, Program, Step, hyper_of
from lesion_jax.families.classifier_export import describe_classifier
from lesion_jax.families.classifier_step import create_classifier_state, make_classifier_step
from lesion_jax.models.cnn import MIN_IMAGE_SIZE, Classifier


@dataclasses.dataclass(frozen=True)
class ClassifierConfig(TrainingConfig):
    """Training of the paper's CNN."""

    kind: Literal["classifier"] = compiled("classifier", doc="Always 'classifier'.")
    width: int = compiled(32, above=0, doc="Filters of the first convolution; 32 in the paper.")
    learning_rate: float = traced(1e-3, above=0.0, doc="Learning rate of SGD.")
    momentum: float = traced(0.9, low=0.0, below=1.0, doc="Nesterov momentum; the paper names no value.")

    def check(self, prefix: str = "") -> None:
        """Refuses impossible settings with a ConfigError."""
        super().check(prefix)
        if self.data.label:
            raise ConfigError(f"{prefix}data.label is {self.data.label!r}, but a classifier takes all classes.")
        if self.data.image_size < MIN_IMAGE_SIZE:
            raise ConfigError(
                f"{prefix}data.image_size is {self.data.image_size}; three unpadded convolutions with pooling need "
                f"{MIN_IMAGE_SIZE}."
            )


@dataclasses.dataclass(frozen=True)
class ClassifierProgram(Program):
    """Program of the classifier: its network, and the range of pixel values that it can tell apart."""

    classifier: nn.Module
    window: tuple[float, float]

    def as_products(self) -> "ClassifierProgram":
        """See `Program`."""
        return dataclasses.replace(self, classifier=self.classifier.clone(as_products=True))

    def make_step(self, average: Average) -> Step:
        """See `make_classifier_step`."""
        return make_classifier_step(self.classifier, window=self.window, average=average)


def _network(config: ClassifierConfig, num_classes: int) -> nn.Module:
    return Classifier(num_classes=num_classes, width=config.width, dtype=DTYPES[config.dtype])


def _make_program(config: ClassifierConfig, num_classes: int) -> ClassifierProgram:
    return ClassifierProgram(_network(config, num_classes), config.data.window)  # pyright: ignore[reportArgumentType]


def _init_state(config: ClassifierConfig, program: ClassifierProgram, images: TrainingImages | None) -> TrainState:
    mean = mean_intensity(images.images, program.window) if images else 0.0
    return create_classifier_state(
        program.classifier,
        seed=config.seed,
        image_size=config.data.image_size,
        hyper=hyper_of(config) | {"mean": jnp.float32(mean)},
    )


def _classify(
    config: ClassifierConfig, num_classes: int, arrays: Arrays, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    apply = _compiled(_network(config, num_classes), config.data.window)
    params, mean = arrays["networks"]["classifier"]["params"], arrays["hyper"]["mean"]
    return chunks.classify(lambda some: apply(params, mean, some), pixels)


# Modules are hashable dataclasses: trainings of one shape share a compiled function, however many there are.
@functools.cache
def _compiled(classifier: nn.Module, window: Any) -> Callable[..., Any]:
    """f(params, mean, pixels [B, H, H]) -> (probabilities [B, C], features [B, F]), dropout off."""
    run: Any = classifier.apply

    @jax.jit
    def apply(params: Any, mean: jax.Array, pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits, features = run({"params": params}, (to_unit(pixels, window) - mean)[..., None])
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
