"""Networks of the relativistic GAN: residual, without norm layers, both told the class.

After Huang et al. 2024, "The GAN is dead; long live the GAN!" (arXiv 2501.05441), in what they are made of. What
differs: dense 3x3 convolutions of the block's own width in place of grouped ones of twice the width, the filter of the
resampling, four doublings from a sixteenth of the side whatever it is, and latents that are uniform.
"""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from lesion_jax.models.layers import fan_in_init
from lesion_jax.models.residual import Residual, resample

# Times that the sides are doubled or halved, of which the whole is `dcgan.SCALE`.
NUM_STAGES = 4
EMBEDDING_SIZE = 64


def widths(width: int) -> tuple[int, ...]:
    """Channels of the five resolutions, from the lowest to the image's own: 4W, 4W, 4W, 2W, W."""
    return tuple(min(4, 2**k) * width for k in range(NUM_STAGES, -1, -1))


class RelativisticGenerator(nn.Module):
    """Latents and class -> image.

    Attributes:
      num_classes: Number of classes, C.
      width: W of the channels, see `widths`.
      num_blocks: Residual blocks at each resolution.
      image_size: Side of the image, pixels; a multiple of 16.
      dtype: Type of the computation; parameters and the image are float32.
      as_products: Whether the convolutions are written as matrix products; the result is the same.
    """

    num_classes: int
    width: int = 64
    num_blocks: int = 2
    image_size: int = 64
    dtype: DTypeLike = jnp.float32
    as_products: bool = False

    @nn.compact
    def __call__(self, z: jax.Array, labels: jax.Array, *, train: bool) -> jax.Array:
        """Draws one image per latent.

        Args:
          z: float32 [B, latent size], in [-1, 1].
          labels: int32 [B] in [0, C).
          train: Whether values beyond [-1, 1] are left, from which the discriminator drives them back; in images that
            are to be looked at they are clipped.

        Returns:
          float32 [B, H, H, 1].
        """
        channels, total = widths(self.width), (NUM_STAGES + 1) * self.num_blocks
        side = self.image_size // 2**NUM_STAGES
        # As large as z, which is uniform.
        embed = nn.Embed(self.num_classes, EMBEDDING_SIZE, embedding_init=nn.initializers.normal(np.sqrt(1 / 3)))
        joined = jnp.concatenate([z, embed(labels)], axis=-1)
        # The mean square of U[-1, 1] is a third.
        dense = nn.Dense(side * side * channels[0], kernel_init=fan_in_init(3.0), dtype=self.dtype, name="dense")
        h = dense(joined).reshape(-1, side, side, channels[0])
        for stage, features in enumerate(channels):
            if stage:
                h = resample(_to_channels(h, features, self.dtype, f"project_{stage}"), up=True)
            for block in range(self.num_blocks):
                h = Residual(total, self.dtype, self.as_products, name=f"block_{stage}_{block}")(h)
        image = nn.Dense(1, kernel_init=fan_in_init(1.0), dtype=self.dtype, name="image")(h).astype(jnp.float32)
        return image if train else jnp.clip(image, -1.0, 1.0)


class RelativisticDiscriminator(nn.Module):
    """Image and class -> how real it looks for one of that class; only differences of two such numbers mean something.

    Attributes:
      num_classes: Number of classes, C.
      width: W of the channels, see `widths`.
      num_blocks: Residual blocks at each resolution.
      dtype: Type of the computation; parameters and logits are float32.
      as_products: Whether the convolutions are written as matrix products; the result is the same.
    """

    num_classes: int
    width: int = 64
    num_blocks: int = 2
    dtype: DTypeLike = jnp.float32
    as_products: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, labels: jax.Array) -> jax.Array:
        """Computes logits: float32 [B, H, H, 1] and int32 [B] -> float32 [B]; H a multiple of 16."""
        channels, total = widths(self.width)[::-1], (NUM_STAGES + 1) * self.num_blocks
        h = nn.Dense(channels[0], kernel_init=fan_in_init(1.0), dtype=self.dtype, name="enter")(x)
        for stage, features in enumerate(channels):
            if stage:
                h = _to_channels(resample(h, up=False), features, self.dtype, f"project_{stage}")
            for block in range(self.num_blocks):
                h = Residual(total, self.dtype, self.as_products, name=f"block_{stage}_{block}")(h)
        # The head is small: float32 logits cost nothing and the losses need them.
        flat = h.reshape(len(h), -1).astype(jnp.float32)
        features = nn.Dense(EMBEDDING_SIZE, kernel_init=fan_in_init(1.0), name="features")(flat)
        # Miyato and Koyama 2018, "cGANs with projection discriminator", without its term of the image alone.
        init = nn.initializers.normal(1 / np.sqrt(EMBEDDING_SIZE))
        embed = nn.Embed(self.num_classes, EMBEDDING_SIZE, embedding_init=init, name="classes")
        return jnp.sum(features * embed(labels), axis=-1)


def _to_channels(h: jax.Array, features: int, dtype: DTypeLike, name: str) -> jax.Array:
    """A 1x1 convolution where the number of channels changes, else h itself."""
    if h.shape[-1] == features:
        return h
    return nn.Dense(features, use_bias=False, kernel_init=fan_in_init(1.0), dtype=dtype, name=name)(h)
