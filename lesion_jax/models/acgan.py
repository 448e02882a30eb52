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
      num_classes: C.
      embedding_size: Length of the class embedding that is joined to z. The paper is silent about it.
      width: As of `dcgan.Generator`.
      image_size: As of `dcgan.Generator`.
      dtype: As of `dcgan.Generator`.
      axis_name: See `layers.batch_norm`.
      as_products: See `layers.DownConv`.
    """

    num_classes: int
    embedding_size: int = 10
    width: int = 128
    image_size: int = 64
    dtype: DTypeLike = jnp.float32
    axis_name: str | None = None
    as_products: bool = False

    @nn.compact
    def __call__(self, z: jax.Array, labels: jax.Array, *, train: bool) -> jax.Array:
        """Draws one image per latent.

        Args:
          z: float32 [B, latent size], in [-1, 1].
          labels: int32 [B] in [0, C).
          train: As of `dcgan.Generator`.

        Returns:
          float32 [B, H, H, 1] in [-1, 1].
        """
        # N(0, 0.02) as every weight. One of N(0, 1), as large as z, lets the batch statistics be met by the classes
        # alone: G then draws one image per class, whatever z.
        embed = nn.Embed(self.num_classes, self.embedding_size, embedding_init=gan_init)
        joined = jnp.concatenate([z, embed(labels)], axis=-1)
        generator = Generator(
            self.width, self.image_size, self.dtype, self.axis_name, self.as_products, name="generator"
        )
        return generator(joined, labels, train=train)


class AuxiliaryDiscriminator(nn.Module):
    """Image -> logit of being real, and logits of the classes.

    Attributes:
      num_classes: C.
      width: As of `dcgan.Discriminator`.
      dtype: As of `dcgan.Discriminator`.
      axis_name: See `layers.batch_norm`.
      as_products: See `layers.DownConv`.
    """

    num_classes: int
    width: int = 64
    dtype: DTypeLike = jnp.float32
    axis_name: str | None = None
    as_products: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool) -> tuple[jax.Array, jax.Array]:
        """Judges images.

        Args:
          x: float32 [B, H, H, 1] in [-1, 1]; H a multiple of 16.
          train: As of `dcgan.Generator`.

        Returns:
          (source logits float32 [B], class logits float32 [B, C]).
        """
        features = Body(self.width, self.dtype, self.axis_name, self.as_products, name="body")(x, train=train)
        source = nn.Dense(1, kernel_init=gan_init, name="source")(features)[:, 0]
        return source, nn.Dense(self.num_classes, kernel_init=gan_init, name="class")(features)
