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
from lesion_jax.core.intensity import to_signed
from lesion_jax.core.state import ClassifierHyper, GanHyper
from lesion_jax.core.types import Images
from lesion_jax.data.study import Prepared, mean_intensity
from lesion_jax.families import networks
from lesion_jax.families.classifier_step import create_classifier_state, make_classifier_step
from lesion_jax.families.drawing import draw
from lesion_jax.families.gan_step import create_gan_state, make_gan_step
from lesion_jax.io.pictures import grid
from lesion_jax.metrics.collapse import describe_collapse
from lesion_jax.metrics.kernel_distance import kernel_distance
from lesion_jax.metrics.variety import variety
from lesion_jax.runtime import parallel
from lesion_jax.runtime.lookup import of_residents
from lesion_jax.runtime.tracing import traced_once
from lesion_jax.train.member import Evaluation, Hooks

# Images drawn to score a generator, and per class in a sample grid.
_NUM_SCORED = 256
_NUM_SHOWN = 16


@dataclasses.dataclass(frozen=True)
class ClassifierProgram:
    """Everything about a classifier's step that is fixed when it is compiled; equal ones share what is compiled."""

    classifier: nn.Module
    window: tuple[float, float]

    def as_products(self) -> "ClassifierProgram":
        """The same with convolutions as matrix products."""
        return dataclasses.replace(self, classifier=self.classifier.clone(as_products=True))

    def make_step(self, average: Callable[[Any], Any]) -> Callable:
        """See `make_classifier_step`."""
        return make_classifier_step(self.classifier, window=self.window, average=average)


@dataclasses.dataclass(frozen=True)
class GanProgram:
    """Everything about a GAN's step that is fixed when it is compiled; equal ones share what is compiled."""

    generator: nn.Module
    discriminator: nn.Module
    loss: str
    latent_size: int
    window: tuple[float, float]

    def as_products(self) -> "GanProgram":
        """The same with convolutions as matrix products."""
        generator, discriminator = (net.clone(as_products=True) for net in (self.generator, self.discriminator))
        return dataclasses.replace(self, generator=generator, discriminator=discriminator)

    def make_step(self, average: Callable[[Any], Any]) -> Callable:
        """See `make_gan_step`."""
        return make_gan_step(
            self.generator,
            self.discriminator,
            loss=self.loss,
            latent_size=self.latent_size,
            window=self.window,
            average=average,
        )


Program = ClassifierProgram | GanProgram


@functools.cache
def step_alone(program: Program) -> Callable:
    """The step of a member on one device, traced once for all that is made of it."""
    return traced_once(program.make_step(parallel.alone))


@dataclasses.dataclass(frozen=True)
class Training:
    """What the loops run.

    Attributes:
      state: Initial, on the default device.
      program: Of the step on one device.
      hooks: See `member.Hooks`.
    """

    state: Any
    program: Program
    hooks: Hooks


def create_training(config: ClassifierConfig | GanConfig, prepared: Prepared) -> Training:
    """Networks, state and step of a config."""
    if isinstance(config, ClassifierConfig):
        return _classifier(config, prepared)
    return _gan(config, prepared)


def program_of(config: ClassifierConfig | GanConfig, num_classes: int) -> Program:
    """What a config compiles."""
    if isinstance(config, ClassifierConfig):
        return ClassifierProgram(networks.create_classifier(config, num_classes), config.data.window)
    return GanProgram(*networks.create_gan(config, num_classes), config.loss, config.latent_size, config.data.window)


def initial_state(config: ClassifierConfig | GanConfig, program: Program, mean: float = 0.0) -> Any:
    """Initial state of a training, on the default device.

    Args:
      config: Of the training.
      program: From `program_of`.
      mean: Of a classifier's training images, see `ClassifierHyper`.
    """
    size = config.data.image_size
    if isinstance(config, ClassifierConfig):
        assert isinstance(program, ClassifierProgram)
        hyper = ClassifierHyper(
            learning_rate=jnp.float32(config.learning_rate),
            momentum=jnp.float32(config.momentum),
            mean=jnp.float32(mean),
        )
        return create_classifier_state(program.classifier, seed=config.seed, image_size=size, hyper=hyper)
    assert isinstance(program, GanProgram)
    floats = ("learning_rate", "beta1", "beta2", "label_smoothing", "class_weight", "ema_decay")
    hyper = GanHyper(
        **{name: jnp.float32(getattr(config, name)) for name in floats},
        generator_every=jnp.int32(config.generator_every),
        discriminator_every=jnp.int32(config.discriminator_every),
    )
    return create_gan_state(
        program.generator,
        program.discriminator,
        seed=config.seed,
        image_size=size,
        latent_size=config.latent_size,
        hyper=hyper,
    )


# A protocol trains dozens of networks of one shape: each shape is compiled once.
@functools.cache
def replicated_step(
    program: Program, batch_norm: str, devices: tuple[parallel.Device, ...], *, is_resident: bool = False
) -> Callable:
    """The step of a program as devices run it that share each batch, see `parallel.over_devices`.

    Args:
      program: Of one device.
      batch_norm: See `GanConfig`; of a classifier any.
      devices: Which share the batch.
      is_resident: Whether it takes numbers of images, see `resident.of_residents`.
    """
    # Statistics that are averaged over one device are rounded in another order than plain ones.
    average = parallel.alone if len(devices) == 1 else parallel.average_replicas
    if len(devices) > 1 and isinstance(program, GanProgram) and batch_norm == "synchronised":
        # Only the step has the device axis. Everything else takes the networks without it, so that it runs on one
        # device and shares what is compiled for a restored run.
        generator, discriminator = (
            net.clone(axis_name=parallel.AXIS) for net in (program.generator, program.discriminator)
        )
        program = dataclasses.replace(program, generator=generator, discriminator=discriminator)
    step = program.make_step(average)
    return parallel.over_devices(of_residents(step) if is_resident else step, list(devices))


def _classifier(config: ClassifierConfig, prepared: Prepared) -> Training:
    data, inner = config.data, prepared.inner
    program = program_of(config, len(prepared.class_names))
    assert isinstance(program, ClassifierProgram)
    state = initial_state(config, program, mean_intensity(prepared.images, data.window))
    apply = networks.classifier_function(program.classifier, data.window)

    def evaluate(state: Any) -> Evaluation:
        if not len(inner):
            return Evaluation(None, {})
        probabilities, _ = jax.device_get(apply(state.classifier.params, state.hyper.mean, inner.pixels))
        likelihood = float(np.mean(np.log(probabilities[np.arange(len(inner)), inner.labels] + 1e-12)))
        accuracy = float(np.mean(probabilities.argmax(-1) == inner.labels))
        # The likelihood chooses: with a few dozen lesions accuracy moves in steps of several per cent.
        return Evaluation(likelihood, {"inner/loss/cross_entropy": -likelihood, "inner/accuracy": accuracy})

    return Training(state, program, Hooks(evaluate, lambda state: {}))


def _gan(config: GanConfig, prepared: Prepared) -> Training:
    data, inner = config.data, prepared.inner
    program = program_of(config, len(prepared.class_names))
    assert isinstance(program, GanProgram)
    state = initial_state(config, program)
    function = networks.generator_function(program.generator, data.window)
    labels = np.unique(prepared.images.labels)
    real = _some_of_each(prepared.images[: prepared.schedule.num_real], labels)

    def sample(state: Any, wanted: np.ndarray) -> np.ndarray:
        return draw(function, state.ema, wanted, latent_size=config.latent_size, seed=config.seed)

    def evaluate(state: Any) -> Evaluation:
        # The distance is defined from three images on.
        is_scored = len(inner) >= 3
        # Labels in the proportions of the inner images, so that the classes' shares cancel out.
        wanted = np.resize(inner.labels if is_scored else labels, _NUM_SCORED).astype(np.int32)
        fake = sample(state, wanted)
        varieties = {
            label: variety(fake[wanted == label], real[label], data.window)
            for label in labels.tolist()
            if (wanted == label).sum() > 1 and len(real[label]) > 1
        }
        running = float(state.discriminator_loss)
        scalars = {f"health/variety/{prepared.class_names[label]}": share for label, share in varieties.items()}
        scalars["health/loss/discriminator"] = running
        scored = {"metrics": {"variety": {"per_class": varieties}}}
        collapse = describe_collapse(int(state.step), scored, prepared.class_names, running)
        if not is_scored:
            return Evaluation(None, scalars, collapse)
        signed = [np.asarray(to_signed(jnp.asarray(hu), data.window)) for hu in (fake, inner.pixels)]
        distance, deviation = kernel_distance(*signed)
        scalars |= {"inner/kernel_distance/value": distance, "inner/kernel_distance/std": deviation}
        return Evaluation(-distance, scalars, collapse)

    def pictures(state: Any) -> dict[str, Any]:
        shown = sample(state, np.repeat(labels, _NUM_SHOWN).astype(np.int32))
        return {"samples": grid(shown, data.window)}

    return Training(state, program, Hooks(evaluate, pictures, config.on_collapse == "stop"))


def _some_of_each(images: Images, labels: np.ndarray) -> dict[int, np.ndarray]:
    return {label: images.pixels[np.flatnonzero(images.labels == label)[:_NUM_SCORED]] for label in labels.tolist()}
