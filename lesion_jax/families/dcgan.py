"""The DCGAN (paper, section on the DCGAN; Radford et al. 2016): one training per class."""

import dataclasses
from typing import Literal

import flax.linen as nn

from lesion_jax.config.fields import compiled
from lesion_jax.families.adversarial import draw_by, draw_from_latents_by
from lesion_jax.families.base import Arrays, Family, compute_dtype
from lesion_jax.families.gan import GanConfig, GanProgram, init_gan_state
from lesion_jax.families.gan_export import GENERATOR, describe_gan, described_body, generator_layers, source_output
from lesion_jax.models.dcgan import Discriminator, Generator
from lesion_jax.models.describe import Networks, Tensors


@dataclasses.dataclass(frozen=True)
class DcganConfig(GanConfig):
    """Training of a DCGAN, of the class that data.label names; without one its images have no label."""

    kind: Literal["dcgan"] = compiled("dcgan", doc="Always 'dcgan'.")


def _networks(config: DcganConfig) -> tuple[nn.Module, nn.Module]:
    dtype = compute_dtype(config)
    generator = Generator(width=config.width, image_size=config.data.image_size, dtype=dtype)
    return generator, Discriminator(width=config.discriminator_width, dtype=dtype)


def _generator(config: DcganConfig, num_classes: int) -> nn.Module:
    del num_classes
    return _networks(config)[0]


def _make_program(config: DcganConfig, num_classes: int) -> GanProgram:
    del num_classes
    return GanProgram.of(config, _networks(config))


def _describe(config: DcganConfig, class_names: tuple[str, ...], unit: str, arrays: Arrays) -> tuple[Networks, Tensors]:
    generator = {"inputs": [], "layers": generator_layers(config, GENERATOR)}
    return describe_gan(config, class_names, unit, arrays, generator, described_body(source_output()))


DCGAN = Family(
    name="dcgan",
    title="DCGAN",
    stream="dcgan",
    config=DcganConfig,
    make_program=_make_program,
    init_state=init_gan_state,
    draw=draw_by(_generator),
    draw_from_latents=draw_from_latents_by(_generator),
    one_per_class=True,
    describe=_describe,
)
