"""A small U-Net that denoises images, told how noisy they are and of which class (after Ho et al. 2020, "DDPM")."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lesion_jax.models.layers import dropout, fan_in_init
from lesion_jax.models.residual import Conv3, resample

_MULTIPLIERS = (1, 2, 2)
# Sides are halved so many times.
SCALE = 2 ** (len(_MULTIPLIERS) - 1)
_CHANNELS_OF_A_GROUP = 4
_NUM_FREQUENCIES = 16


def _normed(x: jax.Array, name: str) -> jax.Array:
    """Group norm and SiLU; statistics are an image's own."""
    groups = max(1, x.shape[-1] // _CHANNELS_OF_A_GROUP)
    return nn.silu(nn.GroupNorm(groups, name=name)(x))


class _Block(nn.Module):
    """x + [norm -> 3x3 -> told -> norm -> dropout -> 3x3] x; begins as the identity."""

    features: int
    dropout_rate: float
    dtype: DTypeLike
    as_products: bool

    @nn.compact
    def __call__(self, x: jax.Array, told: jax.Array, keys: jax.Array | None) -> jax.Array:
        h = Conv3(self.features, 1.0, self.dtype, self.as_products, name="first")(_normed(x, "norm_first"))
        scale, shift = jnp.split(nn.Dense(2 * self.features, dtype=self.dtype, name="told")(told)[:, None, None], 2, -1)
        h = _normed(h * (1 + scale) + shift, "norm_second")
        if keys is not None and self.dropout_rate:
            h = dropout(h, keys, self.dropout_rate)
        h = Conv3(self.features, 0.0, self.dtype, self.as_products, name="second")(h)
        if x.shape[-1] != self.features:
            x = nn.Dense(self.features, kernel_init=fan_in_init(1.0), dtype=self.dtype, name="skip")(x)
        return x + h


class _Attention(nn.Module):
    """x + self-attention of all pixels, one head; begins as the identity."""

    dtype: DTypeLike

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        batch, height, width, channels = x.shape
        h = nn.GroupNorm(max(1, channels // _CHANNELS_OF_A_GROUP), name="norm")(x).reshape(batch, -1, channels)
        asked, known, value = jnp.split(nn.Dense(3 * channels, dtype=self.dtype, name="parts")(h), 3, -1)
        weights = nn.softmax(jnp.einsum("bqc,bkc->bqk", asked, known).astype(jnp.float32) / channels**0.5)
        h = jnp.einsum("bqk,bkc->bqc", weights.astype(self.dtype), value)
        leave = nn.Dense(channels, kernel_init=nn.initializers.zeros, dtype=self.dtype, name="leave")
        return x + leave(h).reshape(batch, height, width, channels)


class Denoiser(nn.Module):
    """Image, noise level and class -> image.

    Attributes:
      num_labels: Labels that can be told, the one for "not told" among them.
      width: W of the channels W, 2W, 2W at the whole, a half and a quarter of the side, where attention is.
      num_blocks: Blocks at each resolution on the way down; one more on the way up.
      dropout_rate: Share of the values in each block that are dropped in training.
      dtype: Type of the computation; parameters and the result are float32.
      as_products: Whether convolutions are written as matrix products; the result is the same.
    """

    num_labels: int
    width: int = 64
    num_blocks: int = 2
    dropout_rate: float = 0.25
    dtype: DTypeLike = jnp.float32
    as_products: bool = False

    @nn.compact
    def __call__(
        self, x: jax.Array, noise: jax.Array, labels: jax.Array, *, keys: jax.Array | None = None
    ) -> jax.Array:
        """Denoises.

        Args:
          x: float32 [B, H, H, channels], H a multiple of 4.
          noise: float32 [B], how noisy each is; of order one.
          labels: int32 [B] in [0, num_labels).
          keys: Keys [B] of the dropout; None turns it off.

        Returns:
          float32 [B, H, H].
        """
        # Octaves around one turn in the range that log sigma / 4 has.
        angles = noise[:, None] * 2.0 ** jnp.linspace(-2, 5, _NUM_FREQUENCIES)
        waves = nn.Dense(4 * self.width, name="noise")(jnp.concatenate([jnp.sin(angles), jnp.cos(angles)], -1))
        told = nn.silu(waves + nn.Embed(self.num_labels, 4 * self.width, name="labels")(labels))
        told = nn.silu(nn.Dense(4 * self.width, name="told")(told)).astype(self.dtype)
        num = 0

        def block(h: jax.Array, features: int, name: str) -> jax.Array:
            nonlocal num
            num += 1
            own = None if keys is None else jax.vmap(lambda key: jax.random.fold_in(key, num))(keys)
            return _Block(features, self.dropout_rate, self.dtype, self.as_products, name=name)(h, told, own)

        h = Conv3(self.width, 1.0, self.dtype, self.as_products, name="enter")(x)
        kept = [h]
        for level, multiplier in enumerate(_MULTIPLIERS):
            if level:
                h = resample(h, up=False)
                kept.append(h)
            for i in range(self.num_blocks):
                h = block(h, multiplier * self.width, f"down_{level}_{i}")
                kept.append(h)
        h = _Attention(self.dtype, name="attention")(block(h, h.shape[-1], "middle"))
        for level, multiplier in reversed([*enumerate(_MULTIPLIERS)]):
            for i in range(self.num_blocks + 1):
                h = block(jnp.concatenate([h, kept.pop()], -1), multiplier * self.width, f"up_{level}_{i}")
            if level:
                h = resample(h, up=True)
        leave = Conv3(1, 0.0, self.dtype, self.as_products, name="leave")
        return leave(_normed(h, "norm"))[..., 0].astype(jnp.float32)
