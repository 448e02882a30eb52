"""Which flax modules a config means, and their jitted uses outside training."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from lesion_jax.config import ClassifierConfig, GanConfig
from lesion_jax.core.intensity import from_signed, to_signed, to_unit
from lesion_jax.models.acgan import AuxiliaryDiscriminator, ConditionalGenerator
from lesion_jax.models.cnn import Classifier
from lesion_jax.models.dcgan import Discriminator, Generator

_DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


def create_classifier(config: ClassifierConfig, num_classes: int) -> nn.Module:
    """The paper's CNN at the config's width and dtype."""
    return Classifier(num_classes=num_classes, width=config.width, dtype=_DTYPES[config.dtype])


def create_gan(config: GanConfig, num_classes: int, *, axis_name: str | None = None) -> tuple[nn.Module, nn.Module]:
    """(generator, discriminator) of a DCGAN or an ACGAN.

    Args:
      config: Kind, widths, image size and dtype; where its batch norm is synchronised is not decided here.
      num_classes: C, of the dataset.
      axis_name: See `models.layers.batch_norm`; only a step spread over that axis has use for one.
    """
    dtype, side = _DTYPES[config.dtype], config.data.image_size
    if config.kind == "dcgan":
        return (
            Generator(width=config.width, image_size=side, dtype=dtype, axis_name=axis_name),
            Discriminator(width=config.discriminator_width, dtype=dtype, axis_name=axis_name),
        )
    return (
        ConditionalGenerator(
            num_classes=num_classes,
            embedding_size=config.embedding_size,
            width=config.width,
            image_size=side,
            dtype=dtype,
            axis_name=axis_name,
        ),
        AuxiliaryDiscriminator(
            num_classes=num_classes, width=config.discriminator_width, dtype=dtype, axis_name=axis_name
        ),
    )


# Modules are hashable dataclasses: runs of one shape share a compiled function, however many there are.
@functools.cache
def classifier_function(classifier: nn.Module, window: tuple[float, float]) -> Callable[..., Any]:
    """f(params, mean, hu [B, H, H]) -> (probabilities [B, C], features [B, F]), dropout off."""
    run: Any = classifier.apply

    @jax.jit
    def apply(params: Any, mean: jax.Array, hu: jax.Array) -> tuple[jax.Array, jax.Array]:
        logits, features = run({"params": params}, (to_unit(hu, window) - mean)[..., None])
        return jax.nn.softmax(logits), features

    return apply


@functools.cache
def class_head_function(discriminator: nn.Module, window: tuple[float, float]) -> Callable[..., Any]:
    """f(variables, hu [B, H, H]) -> probabilities [B, C] by an ACGAN discriminator's class output."""
    run: Any = discriminator.apply

    @jax.jit
    def apply(variables: Any, hu: jax.Array) -> jax.Array:
        _, logits = run(variables, to_signed(hu, window)[..., None], train=False)
        return jax.nn.softmax(logits)

    return apply


@functools.cache
def generator_function(generator: nn.Module, window: tuple[float, float]) -> Callable[..., Any]:
    """f(variables, z [B, nz], labels [B]) -> int16 HU [B, H, H], batch norm by running statistics."""
    run: Any = generator.apply

    @jax.jit
    def apply(variables: Any, z: jax.Array, labels: jax.Array) -> jax.Array:
        return from_signed(run(variables, z, labels, train=False)[..., 0], window)

    return apply
