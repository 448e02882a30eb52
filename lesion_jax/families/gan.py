"""What the DCGAN and the ACGAN share: settings, program, first state."""

import dataclasses
from typing import Any, Literal

import flax.linen as nn

from lesion_jax.config import LoopConfig
from lesion_jax.config.fields import compiled, traced
from lesion_jax.core.state import TrainState
from lesion_jax.data.training_images import TrainingImages
from lesion_jax.errors import ConfigError
from lesion_jax.families.adversarial import AdversarialConfig
from lesion_jax.families.base import Average, Program, Step, hyper_of
from lesion_jax.families.gan_step import create_gan_state, make_gan_step
from lesion_jax.objectives.gan import PAIR_LOSSES, SMOOTHED_LOSSES


@dataclasses.dataclass(frozen=True)
class GanConfig(AdversarialConfig):
    """Settings of a GAN of the paper; a family's class names its kind and adds its own."""

    batch_norm: Literal["synchronised", "replica"] = compiled(
        "synchronised",
        doc="Whose statistics normalise a batch that devices share. 'synchronised': those of the whole batch, as in "
        "the paper; however many devices there are, the result is one device's up to rounding. It costs two small "
        "all-reduces per batch norm and pass, one forward and one backward: 22 in a DCGAN's step in place of one. "
        "'replica': those of each device's share, without that cost; running statistics are the mean over devices, and "
        "the result depends on num_devices.",
        is_varied=False,
    )
    loss: Literal["non_saturating", "minimax", "hinge", "least_squares"] = compiled(
        "non_saturating",
        doc="Adversarial loss. The paper names the non-saturating one for the DCGAN and writes the ACGAN's as a "
        "minimax game (section on the ACGAN); we take the non-saturating one for both.",
    )
    label_smoothing: float = traced(
        0.0, low=0.0, below=1.0, doc="One-sided label smoothing; only for the two cross-entropy losses."
    )
    learning_rate: float = traced(2e-4, above=0.0, doc="Learning rate of Adam, for both networks.")
    beta1: float = traced(0.5, low=0.0, below=1.0, doc="Beta 1 of Adam.")
    beta2: float = traced(0.999, low=0.0, below=1.0, doc="Beta 2 of Adam.")
    ema_decay: float = traced(
        0.0, low=0.0, below=1.0, doc="Decay of the generator's moving average; 0 keeps none, as in the paper."
    )
    generator_every: int = traced(
        1, above=0, doc="Update the generator at every n-th step. The paper is silent: 1 to 1."
    )
    discriminator_every: int = traced(1, above=0, doc="Update the discriminator at every n-th step.")
    loop: LoopConfig = LoopConfig(duration="70 epochs")

    @property
    def depends_on_devices(self) -> bool:
        """See `TrainingConfig`."""
        return self.batch_norm == "replica"

    def check(self, prefix: str = "") -> None:
        """Refuses impossible settings with a ConfigError."""
        super().check(prefix)
        if self.label_smoothing and self.loss not in SMOOTHED_LOSSES:
            raise ConfigError(
                f"{prefix}label_smoothing is {self.label_smoothing} but {prefix}loss is {self.loss!r}, which has no "
                f"targets to smooth; use it with {' or '.join(map(repr, SMOOTHED_LOSSES))}."
            )
        if self.generator_every > 1 and self.discriminator_every > 1:
            raise ConfigError(
                f"{prefix}generator_every is {self.generator_every} and {prefix}discriminator_every is "
                f"{self.discriminator_every}: at some steps nothing would be trained; one of them must be 1."
            )


@dataclasses.dataclass(frozen=True)
class GanProgram(Program):
    """Program of a GAN.

    Attributes:
      generator: Called as (z, labels, train=bool); has attributes `axis_name`, `as_products` and `written_out`.
      discriminator: Called as (images, train=bool); likewise.
      loss: Name of the adversarial loss.
      latent_size: Length of z.
      window: Range of pixel values that the networks can tell apart.
      is_synchronised: Whether replicas normalise their batches as one.
    """

    generator: nn.Module
    discriminator: nn.Module
    loss: str
    latent_size: int
    window: tuple[float, float]
    is_synchronised: bool

    @classmethod
    def of(cls, config: GanConfig, networks: tuple[nn.Module, nn.Module]) -> "GanProgram":
        """The program of a config with a resolved window."""
        window: Any = config.data.window
        return cls(*networks, config.loss, config.latent_size, window, config.batch_norm == "synchronised")

    def on_axis(self, name: str) -> "GanProgram":
        """The same with batch norm over the replicas' batches together, where that is asked for."""
        # Only a step over several devices has the axis. Everything else takes the networks without it, so that it runs
        # on one device and shares what is compiled for a restored run.
        return self._cloned(axis_name=name) if self.is_synchronised else self

    def as_products(self) -> "GanProgram":
        """See `Program`."""
        return self._cloned(as_products=True)

    def on_gpu(self) -> "GanProgram":
        """See `Program`."""
        return self._cloned(written_out=True)

    def make_step(self, average: Average) -> Step:
        """See `make_gan_step`."""
        return make_gan_step(
            self.generator,
            self.discriminator,
            pair_loss=PAIR_LOSSES[self.loss],
            latent_size=self.latent_size,
            window=self.window,
            average=average,
        )

    def _cloned(self, **changes: Any) -> "GanProgram":
        generator, discriminator = (net.clone(**changes) for net in (self.generator, self.discriminator))
        return dataclasses.replace(self, generator=generator, discriminator=discriminator)


def init_gan_state(config: GanConfig, program: GanProgram, images: TrainingImages | None) -> TrainState:
    """`Family.init_state` of a GAN: a function of the config's seed and sizes; the images play no part."""
    del images
    return create_gan_state(
        program.generator,
        program.discriminator,
        seed=config.seed,
        image_size=config.data.image_size,
        latent_size=config.latent_size,
        hyper=hyper_of(config),
    )
