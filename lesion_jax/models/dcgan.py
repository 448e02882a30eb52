"""The DCGAN (paper, section on the DCGAN; Radford et al. 2016)."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lesion_jax.models.layers import DownConv, UpConv, batch_norm, gan_init, leaky_relu

# Four stages double or halve the side.
SCALE = 16


class Generator(nn.Module):
    """Latents -> image: dense to 8W channels at a sixteenth of the side, then four transposed convolutions.

    W = 128, 64x64 and 100 latents are the paper's: 18,848,641 parameters. With a bias before every batch norm,
    which the norm takes out again, they would be 18,865,921, its "18.9 M".

    Attributes:
      width: W of the channels 8W, 4W, 2W, W.
      image_size: Side of the image, pixels; a multiple of 16.
      dtype: Type of the computation; parameters, statistics and the image are float32.
      axis_name: Device axis whose batches are normalised as one; None normalises each device's batch alone.
      as_products: Whether the convolutions are written as matrix products; the result is the same.
      written_out: Whether the gradient of batch norm is written out, see `BatchNorm`; the result is the same.
    """

    width: int = 128
    image_size: int = 64
    dtype: DTypeLike = jnp.float32
    axis_name: str | None = None
    as_products: bool = False
    written_out: bool = False

    @nn.compact
    def __call__(self, z: jax.Array, labels: jax.Array, *, train: bool) -> jax.Array:
        """Draws one image per latent.

        Args:
          z: float32 [B, latent size], in [-1, 1].
          labels: int32 [B]; ignored, so that a DCGAN and an ACGAN are called alike.
          train: Batch norm by the batch (its running statistics are updated) or by the running statistics.

        Returns:
          float32 [B, H, H, 1] in [-1, 1].
        """
        if self.image_size % SCALE:
            raise ValueError(f"image_size is {self.image_size}; four stages that double need a multiple of {SCALE}.")
        side, width = self.image_size // SCALE, 8 * self.width
        norm = functools.partial(
            batch_norm, train=train, dtype=self.dtype, axis_name=self.axis_name, written_out=self.written_out
        )
        h = nn.Dense(side * side * width, use_bias=False, kernel_init=gan_init, dtype=self.dtype)(z)
        h = h.reshape(-1, side, side, width)
        for features in (4 * self.width, 2 * self.width, self.width):
            h = nn.relu(norm()(h))
            h = UpConv(features, dtype=self.dtype, as_products=self.as_products)(h)
        h = nn.relu(norm()(h))
        return jnp.tanh(UpConv(1, use_bias=True, dtype=self.dtype, as_products=self.as_products)(h).astype(jnp.float32))


class Body(nn.Module):
    """The convolutions that a DCGAN's and an ACGAN's discriminator share: four of stride 2, W to 8W channels.

    Batch norm on all but the first, leaky ReLU 0.2 on all.

    Attributes:
      width: W of the channels W, 2W, 4W, 8W.
      dtype: Type of the computation; parameters and statistics are float32.
      axis_name: Device axis whose batches are normalised as one; None normalises each device's batch alone.
      as_products: Whether the convolutions are written as matrix products; the result is the same.
      written_out: Whether the gradient of batch norm is written out, see `BatchNorm`; the result is the same.
    """

    width: int
    dtype: DTypeLike
    axis_name: str | None = None
    as_products: bool = False
    written_out: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> jax.Array:
        """float32 [B, H, H, 1] -> float32 [B, H / 16 * H / 16 * 8W]."""
        h = leaky_relu(DownConv(self.width, use_bias=True, dtype=self.dtype, as_products=self.as_products)(x))
        for features in (2 * self.width, 4 * self.width, 8 * self.width):
            h = DownConv(features, dtype=self.dtype, as_products=self.as_products)(h)
            norm = batch_norm(train=train, dtype=self.dtype, axis_name=self.axis_name, written_out=self.written_out)
            h = leaky_relu(norm(h))
        # The heads are small: float32 logits cost nothing and the losses need them.
        return h.reshape(len(h), -1).astype(jnp.float32)


class Discriminator(nn.Module):
    """Image -> logit of being real.

    Attributes:
      width: W of the channels W, 2W, 4W, 8W. The paper is silent: 64 gives 4.3 M parameters, 128 gives 17.2 M.
      dtype: Type of the computation; parameters, statistics and logits are float32.
      axis_name: Device axis whose batches are normalised as one; None normalises each device's batch alone.
      as_products: Whether the convolutions are written as matrix products; the result is the same.
      written_out: Whether the gradient of batch norm is written out, see `BatchNorm`; the result is the same.
    """

    width: int = 64
    dtype: DTypeLike = jnp.float32
    axis_name: str | None = None
    as_products: bool = False
    written_out: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> tuple[jax.Array, None]:
        """Computes the logits of images.

        Args:
          x: float32 [B, H, H, 1] in [-1, 1]; H a multiple of 16.
          train: Batch norm by the batch (its running statistics are updated) or by the running statistics.

        Returns:
          (float32 [B], None): sigmoid of the first is the probability of being real; no class output.
        """
        body = Body(self.width, self.dtype, self.axis_name, self.as_products, self.written_out, name="body")
        features = body(x, train=train)
        return nn.Dense(1, kernel_init=gan_init, name="source")(features)[:, 0], None
