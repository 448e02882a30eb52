"""The relativistic GAN: one conditional GAN for all classes, with losses and augmentation made for small data.

From: "The GAN is dead; long live the GAN!" (Huang et al., NeurIPS 2024, arXiv 2501.05441): relativistic losses of
pairs with penalties on both slopes, no norm layers, schedules of rate, beta 2, gamma and augmentation. The augmentation
is DiffAugment (Zhao et al. 2020, arXiv 2006.10738), done with a probability as in ADA (Karras et al. 2020, arXiv
2006.06676).

What differs from R3GAN is in `models.rpgan`, `rpgan_step` and `diff_augment`: above all the offset is 10 HU, and there
is no change of contrast, since brightness is what tells a cyst. No code of R3GAN or StyleGAN2-ADA was used.

Cost: 2.4 TFLOP a step of 64 images at 64x64 and the default widths (XLA's count, not run), 2.5 GFLOP to draw an image.
At 32x32, width 8 and one block, on a CPU: 30 CPU-s to compile, 0.39 CPU-s a step of 32 images, 1.5 CPU-s for 1000
drawn ones.

Smallest set on which it gave usable images: 90 lesions of the phantom, those narrow networks, 3000 steps of 16 images,
gamma 4. Networks without norms need many more steps than a DCGAN, and with a gamma of 0.2 drew one image of each class.
Of 22 real lesions of one class they drew one soft shape.
"""

import dataclasses
from typing import Literal

import flax.linen as nn
import jax.numpy as jnp

from lesion_jax.config import LoopConfig
from lesion_jax.config.fields import compiled, traced
from lesion_jax.core.periods import to_steps
from lesion_jax.core.state import TrainState
from lesion_jax.data.training_images import TrainingImages
from lesion_jax.families.adversarial import AdversarialConfig, draw_by, draw_from_latents_by
from lesion_jax.families.base import Arrays, Average, Family, Program, Step, compute_dtype, hyper_of
from lesion_jax.families.rpgan_export import describe_rpgan
from lesion_jax.families.rpgan_step import create_rpgan_state, make_rpgan_step
from lesion_jax.models.describe import Networks, Tensors
from lesion_jax.models.rpgan import RelativisticDiscriminator, RelativisticGenerator


@dataclasses.dataclass(frozen=True)
class RpganConfig(AdversarialConfig):
    """Training of a relativistic GAN of all classes; one of data.label alone is possible too."""

    kind: Literal["rpgan"] = compiled("rpgan", doc="Always 'rpgan'.")
    width: int = compiled(64, above=0, doc="W of generator widths 4W, 4W, 4W, 2W, W, from 1/16 of the side to all.")
    discriminator_width: int = compiled(64, above=0, doc="W of discriminator widths W, 2W, 4W, 4W, 4W.")
    num_blocks: int = compiled(2, above=0, doc="Residual blocks at each of the five resolutions, in both networks.")
    latent_size: int = compiled(64, above=0, doc="Length of z ~ U[-1, 1].")
    learning_rate: float = traced(2e-4, above=0.0, doc="Learning rate of Adam at the first step, for both networks.")
    final_learning_rate: float = traced(5e-5, above=0.0, doc="Learning rate at the last step; by cosine in between.")
    beta2: float = traced(0.9, low=0.0, below=1.0, doc="Beta 2 of Adam at the first step; beta 1 is 0.")
    final_beta2: float = traced(0.99, low=0.0, below=1.0, doc="Beta 2 at the last step; by cosine in between.")
    gamma: float = traced(2.0, low=0.0, doc="Weight of the penalties on the discriminator's slopes at the first step.")
    final_gamma: float = traced(0.2, low=0.0, doc="Weight of the penalties at the last step; by cosine in between.")
    augment_probability: float = traced(
        0.3,
        low=0.0,
        high=0.8,
        doc="Probability of each kind of augmentation that the discriminator sees at the last step; it rises from 0 by "
        "cosine. Above 0.8 augmented images would be drawn.",
    )
    augment_shift: float = traced(0.125, low=0.0, high=0.5, doc="Largest shift, as a share of the side.")
    augment_cutout: float = traced(0.5, low=0.0, below=1.0, doc="Side of the hole, as a share of the image's.")
    augment_offset: float = traced(
        10.0,
        low=0.0,
        doc="Largest shift of the values, up or down, in the dataset's unit. The usual strength, a quarter of the "
        "window, would take away what tells a cyst.",
    )
    ema_images: float = traced(
        30_000.0,
        low=0.0,
        doc="Half-life of the generator's moving average, in images; at most 5 % of those seen so far.",
    )
    loop: LoopConfig = LoopConfig(duration="15000 steps")

    @property
    def depends_on_length(self) -> bool:
        """See `TrainingConfig`: every schedule ends with the training."""
        return True


@dataclasses.dataclass(frozen=True)
class RpganProgram(Program):
    """Program of a relativistic GAN; nothing but gradients is synchronised.

    Attributes:
      generator: Called as `RelativisticGenerator`.
      discriminator: Called as `RelativisticDiscriminator`.
      latent_size: Length of z.
      window: Range of pixel values that the networks can tell apart.
      batch_size: Images of the global batch.
    """

    generator: nn.Module
    discriminator: nn.Module
    latent_size: int
    window: tuple[float, float]
    batch_size: int

    def as_products(self) -> "RpganProgram":
        """See `Program`."""
        networks = (net.clone(as_products=True) for net in (self.generator, self.discriminator))
        return dataclasses.replace(self, **dict(zip(("generator", "discriminator"), networks, strict=True)))

    def make_step(self, average: Average) -> Step:
        """See `make_rpgan_step`."""
        settings = {"latent_size": self.latent_size, "window": self.window, "batch_size": self.batch_size}
        return make_rpgan_step(self.generator, self.discriminator, average=average, **settings)


def _networks(config: RpganConfig, num_classes: int) -> tuple[RelativisticGenerator, RelativisticDiscriminator]:
    shared = {"num_classes": num_classes, "num_blocks": config.num_blocks, "dtype": compute_dtype(config)}
    generator = RelativisticGenerator(width=config.width, image_size=config.data.image_size, **shared)
    return generator, RelativisticDiscriminator(width=config.discriminator_width, **shared)


def _generator(config: RpganConfig, num_classes: int) -> nn.Module:
    return _networks(config, num_classes)[0]


def _make_program(config: RpganConfig, num_classes: int) -> RpganProgram:
    assert len(config.data.window) == 2
    return RpganProgram(*_networks(config, num_classes), config.latent_size, config.data.window, config.data.batch_size)


def _init_state(config: RpganConfig, program: RpganProgram, images: TrainingImages | None) -> TrainState:
    steps_per_epoch = images.schedule.steps_per_epoch if images else 1
    num_steps = to_steps(config.loop.duration, field="loop.duration", steps_per_epoch=steps_per_epoch)
    hyper = hyper_of(config) | {"num_steps": jnp.int32(num_steps)}
    side, seed = config.data.image_size, jnp.int32(config.seed)
    return create_rpgan_state(program.generator, program.discriminator, side, program.latent_size, seed, hyper)


def _describe(config: RpganConfig, class_names: tuple[str, ...], unit: str, arrays: Arrays) -> tuple[Networks, Tensors]:
    return describe_rpgan(config, config.num_blocks, class_names, unit, arrays)


RPGAN = Family(
    name="rpgan",
    title="Relativistic GAN",
    stream="rpgan",
    config=RpganConfig,
    make_program=_make_program,
    init_state=_init_state,
    draw=draw_by(_generator),
    draw_from_latents=draw_from_latents_by(_generator),
    describe=_describe,
)
