"""The ACGAN (paper, section on the ACGAN): one training for all classes; its discriminator also names them."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal

import flax.linen as nn
import jax
import numpy as np

from lesion_jax.config import LoopConfig
from lesion_jax.config.fields import compiled, traced
from lesion_jax.core.intensity import to_signed
from lesion_jax.errors import ConfigError
from lesion_jax.families import chunks
from lesion_jax.families.adversarial import draw_by, draw_from_latents_by
from lesion_jax.families.adversarial_state import trained_discriminator
from lesion_jax.families.base import Arrays, Family, compute_dtype
from lesion_jax.families.gan import GanConfig, GanProgram, init_gan_state
from lesion_jax.families.gan_export import (
    DISCRIMINATOR,
    GENERATOR,
    LABEL_INPUT,
    describe_gan,
    described_body,
    generator_layers,
    source_output,
)
from lesion_jax.models.acgan import AuxiliaryDiscriminator, ConditionalGenerator
from lesion_jax.models.describe import Networks, Tensors, class_outputs


@dataclasses.dataclass(frozen=True)
class AcganConfig(GanConfig):
    """Training of an ACGAN."""

    kind: Literal["acgan"] = compiled("acgan", doc="Always 'acgan'.")
    embedding_size: int = compiled(
        10, above=0, doc="Length of the class embedding that is joined to z. The paper is silent."
    )
    class_weight: float = traced(1.0, low=0.0, doc="Weight of the class loss.")
    learning_rate: float = traced(1e-4, above=0.0, doc="Learning rate of Adam, for both networks.")
    loop: LoopConfig = LoopConfig(duration="50 epochs")

    def check(self, prefix: str = "") -> None:
        """Refuses impossible settings with a ConfigError."""
        super().check(prefix)
        if self.data.label:
            raise ConfigError(f"{prefix}data.label is {self.data.label!r}, but an ACGAN takes all classes.")


def _networks(config: AcganConfig, num_classes: int) -> tuple[nn.Module, nn.Module]:
    dtype = compute_dtype(config)
    generator = ConditionalGenerator(
        num_classes=num_classes,
        embedding_size=config.embedding_size,
        width=config.width,
        image_size=config.data.image_size,
        dtype=dtype,
    )
    return generator, AuxiliaryDiscriminator(num_classes=num_classes, width=config.discriminator_width, dtype=dtype)


def _generator(config: AcganConfig, num_classes: int) -> nn.Module:
    return _networks(config, num_classes)[0]


def _make_program(config: AcganConfig, num_classes: int) -> GanProgram:
    return GanProgram.of(config, _networks(config, num_classes))


def _classify(
    config: AcganConfig, num_classes: int, arrays: Arrays, pixels: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    apply = _compiled(_networks(config, num_classes)[1], config.data.window)
    variables = trained_discriminator(arrays)
    return chunks.classify(lambda some: apply(variables, some), pixels)


@functools.cache
def _compiled(discriminator: nn.Module, window: Any) -> Callable[..., Any]:
    """f(variables, pixels [B, H, H]) -> (probabilities [B, C], the same as features), by the class output."""
    run: Any = discriminator.apply

    @jax.jit
    def apply(variables: Any, pixels: jax.Array) -> tuple[jax.Array, jax.Array]:
        _, logits = run(variables, to_signed(pixels, window)[..., None], train=False)
        probabilities = jax.nn.softmax(logits)
        return probabilities, probabilities

    return apply


def _describe(config: AcganConfig, class_names: tuple[str, ...], unit: str, arrays: Arrays) -> tuple[Networks, Tensors]:
    embedding = {"op": "embedding_concat", "tensors": {"table": f"{GENERATOR}Embed_0.embedding"}}
    layers = [embedding, *generator_layers(config, f"{GENERATOR}generator.")]
    generator = {"inputs": [LABEL_INPUT], "layers": layers}
    outputs = {**source_output(), **class_outputs(f"{DISCRIMINATOR}class")}
    return describe_gan(config, class_names, unit, arrays, generator, described_body(outputs))


ACGAN = Family(
    name="acgan",
    title="ACGAN",
    stream="acgan",
    config=AcganConfig,
    make_program=_make_program,
    init_state=init_gan_state,
    draw=draw_by(_generator),
    draw_from_latents=draw_from_latents_by(_generator),
    classify=_classify,
    # The best checkpoint is chosen by its generator's images.
    classifies_with="last",
    describe=_describe,
)
