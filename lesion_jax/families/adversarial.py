"""What all GANs share, whatever their step: sizes, what follows a collapse, drawing from latents."""

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Literal

import flax.linen as nn
import jax
import numpy as np

from lesion_jax.config import TrainingConfig
from lesion_jax.config.fields import compiled, host
from lesion_jax.core import keys as key_streams
from lesion_jax.core.intensity import from_signed
from lesion_jax.errors import ConfigError
from lesion_jax.families import chunks
from lesion_jax.families.adversarial_state import drawing_generator
from lesion_jax.families.base import Arrays
from lesion_jax.families.context import Context
from lesion_jax.models.dcgan import SCALE

# (config, number of classes) -> the generator.
GeneratorOf = Callable[[Any, int], nn.Module]


@dataclasses.dataclass(frozen=True)
class AdversarialConfig(TrainingConfig):
    """Settings that every GAN has; a family's class adds its own."""

    width: int = compiled(128, above=0, doc="W of generator widths 8W, 4W, 2W, W; 128 in the paper (1024 .. 128).")
    discriminator_width: int = compiled(64, above=0, doc="W of discriminator widths W .. 8W. The paper is silent.")
    latent_size: int = compiled(100, above=0, doc="Length of z ~ U[-1, 1].")
    on_collapse: Literal["continue", "stop"] = host(
        "continue",
        doc="What follows when the images are all alike or the discriminator's loss is at zero, which every evaluation "
        "looks for: 'continue' only logs it, 'stop' ends the run there and keeps the last good checkpoint.",
    )

    @property
    def stops_on_collapse(self) -> bool:
        """See `TrainingConfig`."""
        return self.on_collapse == "stop"

    def check(self, prefix: str = "") -> None:
        """Refuses impossible settings with a ConfigError."""
        super().check(prefix)
        if self.data.image_size % SCALE:
            raise ConfigError(
                f"{prefix}data.image_size is {self.data.image_size}; four stages that double need a multiple of "
                f"{SCALE}."
            )
        if self.data.banks:
            raise ConfigError(f"{prefix}data.banks is set, but a GAN is never trained on a bank's synthetic images.")


def draw_by(generator_of: GeneratorOf) -> Callable[..., np.ndarray]:
    """`Family.draw` of a GAN, by its moving average."""

    def draw(
        config: AdversarialConfig,
        num_classes: int,
        arrays: Arrays,
        keys: jax.Array,
        labels: np.ndarray,
        context: Context | None,
    ) -> np.ndarray:
        del context
        apply = _compiled(generator_of(config, num_classes), config.data.window)

        def some(key_data: np.ndarray, labels: np.ndarray) -> jax.Array:
            # The latent of an image comes from its key.
            return apply(drawing_generator(arrays), _latents(key_data, config.latent_size), labels)

        return chunks.draw(some, np.asarray(jax.random.key_data(keys)), labels.astype(np.int32))

    return draw


def draw_from_latents_by(generator_of: GeneratorOf) -> Callable[..., np.ndarray]:
    """`Family.draw_from_latents` of a GAN, by its moving average; raises ValueError for latents of another shape."""

    def draw(
        config: AdversarialConfig, num_classes: int, arrays: Arrays, z: np.ndarray, labels: np.ndarray
    ) -> np.ndarray:
        z = np.asarray(z, np.float32)
        if z.ndim != 2 or z.shape[1] != config.latent_size:
            raise ValueError(f"This generator takes latents [N, {config.latent_size}], got {list(z.shape)}.")
        apply = _compiled(generator_of(config, num_classes), config.data.window)
        return chunks.draw(functools.partial(apply, drawing_generator(arrays)), z, labels.astype(np.int32))

    return draw


@functools.partial(jax.jit, static_argnums=1)
def _latents(key_data: jax.Array, size: int) -> jax.Array:
    return key_streams.latents(jax.random.wrap_key_data(key_data), size)


# Modules are hashable dataclasses: trainings of one shape share a compiled function, however many there are.
@functools.cache
def _compiled(generator: nn.Module, window: Any) -> Callable[..., Any]:
    """f(variables, z [B, nz], labels [B]) -> int16 pixels [B, H, H], batch norm by running statistics."""
    run: Any = generator.apply

    @jax.jit
    def apply(variables: Any, z: jax.Array, labels: jax.Array) -> jax.Array:
        return from_signed(run(variables, z, labels, train=False)[..., 0], window)

    return apply
