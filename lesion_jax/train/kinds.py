"""The two kinds of training: initial state, compiled step, and what is scored along the way."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.config import ClassifierConfig, GanConfig
from lesion_jax.core import parallel
from lesion_jax.core.intensity import to_signed
from lesion_jax.core.state import ClassifierHyper, GanHyper
from lesion_jax.evaluate import networks
from lesion_jax.evaluate.distance import kernel_distance
from lesion_jax.evaluate.pictures import grid
from lesion_jax.evaluate.sample import draw
from lesion_jax.train.classifier_step import create_classifier_state, make_classifier_step
from lesion_jax.train.gan_step import create_gan_state, make_gan_step
from lesion_jax.train.loop import Hooks
from lesion_jax.train.prepare import Prepared, mean_intensity

# Images drawn to score a generator, and per class in a sample grid.
_NUM_SCORED = 256
_NUM_SHOWN = 16


@dataclasses.dataclass(frozen=True)
class Training:
    """What the loop runs.

    Attributes:
      state: Initial, on the default device.
      step: Spread over the devices, see `parallel.over_devices`.
      hooks: See `loop.Hooks`.
    """

    state: Any
    step: Callable
    hooks: Hooks


def create_training(
    config: ClassifierConfig | GanConfig, prepared: Prepared, devices: list[parallel.Device]
) -> Training:
    """Networks, state and step of a config."""
    if isinstance(config, ClassifierConfig):
        return _classifier(config, prepared, devices)
    return _gan(config, prepared, devices)


# A protocol trains dozens of networks of one shape: each shape is compiled once.
@functools.cache
def _classifier_step(
    classifier: nn.Module, window: tuple[float, float], devices: tuple[parallel.Device, ...]
) -> Callable:
    step = make_classifier_step(classifier, window=window, average=parallel.average_replicas)
    return parallel.over_devices(step, list(devices))


@functools.cache
def _gan_step(
    generator: nn.Module,
    discriminator: nn.Module,
    loss: str,
    latent_size: int,
    window: tuple[float, float],
    devices: tuple[parallel.Device, ...],
) -> Callable:
    step = make_gan_step(
        generator,
        discriminator,
        loss=loss,
        latent_size=latent_size,
        window=window,
        average=parallel.average_replicas,
    )
    return parallel.over_devices(step, list(devices))


def _classifier(config: ClassifierConfig, prepared: Prepared, devices: list[parallel.Device]) -> Training:
    data, inner = config.data, prepared.inner
    classifier = networks.create_classifier(config, len(prepared.class_names))
    hyper = ClassifierHyper(
        learning_rate=jnp.float32(config.learning_rate),
        momentum=jnp.float32(config.momentum),
        mean=jnp.float32(mean_intensity(prepared.images, data.window)),
    )
    state = create_classifier_state(classifier, seed=config.seed, image_size=data.image_size, hyper=hyper)
    apply = networks.classifier_function(classifier, data.window)

    def evaluate(state: Any) -> tuple[float | None, dict[str, float]]:
        if not len(inner):
            return None, {}
        probabilities, _ = jax.device_get(apply(state.classifier.params, state.hyper.mean, inner.hu))
        likelihood = float(np.mean(np.log(probabilities[np.arange(len(inner)), inner.labels] + 1e-12)))
        accuracy = float(np.mean(probabilities.argmax(-1) == inner.labels))
        # The likelihood chooses: with a few dozen lesions accuracy moves in steps of several per cent.
        return likelihood, {"inner/loss/cross_entropy": -likelihood, "inner/accuracy": accuracy}

    step = _classifier_step(classifier, data.window, tuple(devices))
    return Training(state, step, Hooks(evaluate, lambda state: {}))


def _gan(config: GanConfig, prepared: Prepared, devices: list[parallel.Device]) -> Training:
    data, inner, num_classes = config.data, prepared.inner, len(prepared.class_names)
    generator, discriminator = networks.create_gan(config, num_classes)
    floats = ("learning_rate", "beta1", "beta2", "label_smoothing", "class_weight", "ema_decay")
    hyper = GanHyper(
        **{name: jnp.float32(getattr(config, name)) for name in floats},
        generator_every=jnp.int32(config.generator_every),
        discriminator_every=jnp.int32(config.discriminator_every),
    )
    state = create_gan_state(
        generator,
        discriminator,
        seed=config.seed,
        image_size=data.image_size,
        latent_size=config.latent_size,
        hyper=hyper,
    )
    function = networks.generator_function(generator, data.window)
    labels = np.unique(prepared.images.labels)

    def sample(state: Any, wanted: np.ndarray) -> np.ndarray:
        return draw(function, state.ema, wanted, latent_size=config.latent_size, seed=config.seed)

    def evaluate(state: Any) -> tuple[float | None, dict[str, float]]:
        # The distance is defined from three images on.
        if len(inner) < 3:
            return None, {}
        # Labels in the proportions of the inner images, so that the classes' shares cancel out.
        fake = sample(state, np.resize(inner.labels, _NUM_SCORED))
        signed = [np.asarray(to_signed(jnp.asarray(hu), data.window)) for hu in (fake, inner.hu)]
        distance, deviation = kernel_distance(*signed)
        return -distance, {"inner/kernel_distance/value": distance, "inner/kernel_distance/std": deviation}

    def pictures(state: Any) -> dict[str, Any]:
        shown = sample(state, np.repeat(labels, _NUM_SHOWN).astype(np.int32))
        return {"samples": grid(shown, data.window)}

    # Only the step has the device axis. Everything else takes the networks without it, so that it runs on one device
    # and shares what is compiled for a restored run.
    axis_name = parallel.AXIS if config.batch_norm == "synchronised" else None
    replicas = networks.create_gan(config, num_classes, axis_name=axis_name)
    step = _gan_step(*replicas, config.loss, config.latent_size, data.window, tuple(devices))
    return Training(state, step, Hooks(evaluate, pictures))
