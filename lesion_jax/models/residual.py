"""Residual blocks without norm layers, and resampling; both networks of `models.rpgan` are made of them.

Without norms a deep residual network keeps its signal by its initial weights (Zhang et al. 2019, "Fixup
initialization"): each block begins as the identity, and the others of its weights are scaled by how many blocks there
are.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax.typing import DTypeLike

from lesion_jax.models import convolution
from lesion_jax.models.layers import LEAKY_SLOPE, fan_in_init, leaky_relu

# Mean square of a leaky ReLU's output for inputs of mean square one is (1 + slope^2) / 2; He et al. 2015.
LEAKY_GAIN = 2 / (1 + LEAKY_SLOPE**2)
SAME = ((1, 1), (1, 1))


def block_gain(num_blocks: int) -> float:
    """Variance of the weights of a block of three convolutions, as `fan_in_init` takes it.

    Fixup: standard deviations times L^(-1 / (2 m - 2)) for L blocks of m convolutions.
    """
    return LEAKY_GAIN * num_blocks ** (-1 / 2)


class Conv3(nn.Module):
    """3x3 convolution with stride 1 and zero padding, without a bias: [B, h, w, I] -> [B, h, w, features].

    Attributes:
      features: Output channels.
      gain: Of the initial weights, see `fan_in_init`.
      dtype: Type of the computation; the parameters are float32.
      as_products: Whether it is written as a matrix product, see `convolution`; the result is the same.
    """

    features: int
    gain: float
    dtype: DTypeLike = jnp.float32
    as_products: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Convolves: float [B, h, w, I] -> dtype [B, h, w, features]."""
        kernel = self.param("kernel", fan_in_init(self.gain), (3, 3, x.shape[-1], self.features))
        convolve = convolution.valid_by_products if self.as_products else convolution.valid
        padded = jnp.pad(x.astype(self.dtype), ((0, 0), *SAME, (0, 0)))
        return convolve(padded, kernel.astype(self.dtype))


class Residual(nn.Module):
    """x + [1x1 -> leaky ReLU -> 3x3 -> leaky ReLU -> 1x1] x, each with the channels of x; the last begins at zero.

    Attributes:
      num_blocks: Blocks of the whole network, which scale the initial weights.
      dtype: Type of the computation; the parameters are float32.
      as_products: Whether convolutions are written as matrix products; the result is the same.
    """

    num_blocks: int
    dtype: DTypeLike = jnp.float32
    as_products: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Float [B, h, w, C] -> dtype [B, h, w, C]."""
        channels, gain = x.shape[-1], block_gain(self.num_blocks)
        h = leaky_relu(nn.Dense(channels, kernel_init=fan_in_init(gain), dtype=self.dtype, name="enter")(x))
        h = leaky_relu(Conv3(channels, gain, self.dtype, self.as_products, name="conv")(h))
        leave = nn.Dense(channels, use_bias=False, kernel_init=nn.initializers.zeros, dtype=self.dtype, name="leave")
        return x.astype(self.dtype) + leave(h)


def resampling(side: int, *, up: bool) -> np.ndarray:
    """Matrix of a resampling along one axis by the factor 2 with the filter [1, 3, 3, 1], edges repeated.

    It is symmetric about the middle of the image: a flip before it and one after it do the same, as for [1, 2, 1] at a
    factor of 2 they would not.

    Args:
      side: Length of the input; even where it is halved.
      up: Whether the length is doubled or halved.

    Returns:
      float32 [2 side, side] or [side / 2, side]; rows sum to one.
    """
    num = 2 * side if up else side // 2
    matrix = np.zeros((num, side), np.float32)
    for row in range(num):
        # Up: each new pixel lies a quarter from its nearest old one. Down: each between two old ones.
        first = row // 2 - 1 + row % 2 if up else 2 * row - 1
        weights = ([1, 3] if row % 2 == 0 else [3, 1]) if up else [1, 3, 3, 1]
        for at, weight in enumerate(weights, first):
            matrix[row, min(max(at, 0), side - 1)] += weight / sum(weights)
    return matrix


def resample(x: jax.Array, *, up: bool) -> jax.Array:
    """Doubles or halves the sides: float [B, h, h, C] -> as x [B, 2h, 2h, C] or [B, h / 2, h / 2, C]."""
    matrix: Any = jnp.asarray(resampling(x.shape[1], up=up), x.dtype)
    return jnp.einsum("ij,bjkc,lk->bilc", matrix, x, matrix)
