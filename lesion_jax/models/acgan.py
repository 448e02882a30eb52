"""The ACGAN (paper, section on the ACGAN): the generator is told the class, the discriminator names it."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lesion_jax.models.dcgan import Body, Generator
from lesion_jax.models.layers import gan_init


class ConditionalGenerator(nn.Module):
    """Latents and class -> image.

    Attributes:
      num_classes: Number of classes, C.
      embedding_size: Length of the class embedding that is joined to z. The paper is silent about it.
      width: W of the channels 8W, 4W, 2W, W.
      image_size: Side of the image, pixels; a multiple of 16.
      dtype: Type of the computation; parameters, statistics and the image are float32.
      axis_name: Device axis whose batches are normalised as one; None normalises each device's batch alone.
      as_products: Whether the convolutions are written as matrix products; the result is the same.
      written_out: Whether the gradient of batch norm is written out, see `BatchNorm`; the result is the same.
    """

    num_classes: int
    embedding_size: int = 10
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
          labels: int32 [B] in [0, C).
          train: Batch norm by the batch (its running statistics are updated) or by the running statistics.

        Returns:
          float32 [B, H, H, 1] in [-1, 1].
        """
        # N(0, 0.02) as every weight. One of N(0, 1), as large as z, lets the batch statistics be met by the classes
        # alone: G then draws one image per class, whatever z.
        embed = nn.Embed(self.num_classes, self.embedding_size, embedding_init=gan_init)
        joined = jnp.concatenate([z, embed(labels)], axis=-1)
        sizes = self.width, self.image_size
        form = self.dtype, self.axis_name, self.as_products, self.written_out
        generator = Generator(*sizes, *form, name="generator")
        return generator(joined, labels, train=train)


class AuxiliaryDiscriminator(nn.Module):
    """Image -> logit of being real, and logits of the classes.

    Attributes:
      num_classes: Number of classes, C.
      width: W of the channels W, 2W, 4W, 8W.
      dtype: Type of the computation; parameters, statistics and logits are float32.
      axis_name: Device axis whose batches are normalised as one; None normalises each device's batch alone.
      as_products: Whether the convolutions are written as matrix products; the result is the same.
      written_out: Whether the gradient of batch norm is written out, see `BatchNorm`; the result is the same.
    """

    num_classes: int
    width: int = 64
    dtype: DTypeLike = jnp.float32
    axis_name: str | None = None
    as_products: bool = False
    written_out: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> tuple[jax.Array, jax.Array]:
        """Computes the logits of images.

        Args:
          x: float32 [B, H, H, 1] in [-1, 1]; H a multiple of 16.
          train: Batch norm by the batch (its running statistics are updated) or by the running statistics.

        Returns:
          (source logits float32 [B], class logits float32 [B, C]).
        """
        body = Body(self.width, self.dtype, self.axis_name, self.as_products, self.written_out, name="body")
        features = body(x, train=train)
        source = nn.Dense(1, kernel_init=gan_init, name="source")(features)[:, 0]
        return source, nn.Dense(self.num_classes, kernel_init=gan_init, name="class")(features)
