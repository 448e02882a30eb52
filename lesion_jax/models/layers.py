"""Layers: strided convolutions and batch norm of the GANs, pooled convolutions and dropout of the classifier."""

import math
from collections.abc import Callable, Sequence

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lesion_jax.models import convolution
from lesion_jax.models.batch_norm import BatchNorm
from lesion_jax.models.pooling import max_pool

BATCH_NORM_EPSILON = 1e-5
# Paper, section on the DCGAN.
LEAKY_SLOPE = 0.2


def _normal(key: jax.Array, shape: Sequence[int], dtype: DTypeLike) -> jax.Array:
    # Drawn flat: XLA takes a fifth of the time to compile it, and the numbers are the same.
    return jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)


def gan_init(key: jax.Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> jax.Array:
    """N(0, 0.02), the initial value of every weight of the GANs (paper, section on the DCGAN)."""
    return 0.02 * _normal(key, shape, dtype)


def fan_in_init(gain: float) -> Callable[..., jax.Array]:
    """N(0, sqrt(gain / inputs)): gain 2 before a ReLU (He et al. 2015), 1 before nothing.

    Args:
      gain: Variance of the outputs for inputs of mean square one.

    Returns:
      A linen initializer for kernels [..., inputs, outputs].
    """

    def init(key: jax.Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> jax.Array:
        return math.sqrt(gain / math.prod(shape[:-1])) * _normal(key, shape, dtype)

    return init


class DownConv(nn.Module):
    """5x5 convolution with stride 2: [B, 2h, 2w, I] -> [B, h, w, features].

    Attributes:
      features: Output channels.
      use_bias: False before a batch norm, which would take the bias out again.
      dtype: Type of the computation; the parameters are float32.
      as_products: Whether it is written as matrix products, see `convolution`; the result is the same.
    """

    features: int
    use_bias: bool = False
    dtype: DTypeLike = jnp.float32
    as_products: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Halves the sides: float [B, 2h, 2w, I] -> dtype [B, h, w, features]."""
        kernel = self.param("kernel", gan_init, (5, 5, x.shape[-1], self.features))
        down = convolution.down_by_products if self.as_products else convolution.down
        y = down(x.astype(self.dtype), kernel.astype(self.dtype))
        return _add_bias(self, y) if self.use_bias else y


class UpConv(nn.Module):
    """Transposed 5x5 convolution with stride 2: [B, h, w, O] -> [B, 2h, 2w, features].

    The kernel is stored as that of the convolution it transposes, [5, 5, features, O].

    Attributes:
      features: Output channels.
      use_bias: False before a batch norm, which would take the bias out again.
      dtype: Type of the computation; the parameters are float32.
      as_products: Whether it is written as matrix products, see `convolution`; the result is the same.
    """

    features: int
    use_bias: bool = False
    dtype: DTypeLike = jnp.float32
    as_products: bool = False

    @nn.compact
    def __call__(self, y: jax.Array) -> jax.Array:
        """Doubles the sides: float [B, h, w, O] -> dtype [B, 2h, 2w, features]."""
        kernel = self.param("kernel", gan_init, (5, 5, self.features, y.shape[-1]))
        up = convolution.up_by_products if self.as_products else convolution.up
        x = up(y.astype(self.dtype), kernel.astype(self.dtype))
        return _add_bias(self, x) if self.use_bias else x


class PooledConv(nn.Module):
    """Unpadded 3x3 convolution, ReLU, 2x2 max-pooling: [B, H, W, I] -> [B, (H - 2) // 2, (W - 2) // 2, features].

    Attributes:
      features: Output channels.
      dtype: Type of the computation; the parameters are float32.
      as_products: Whether it is written as a matrix product, see `convolution`; the result is the same.
    """

    features: int
    dtype: DTypeLike = jnp.float32
    as_products: bool = False

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Convolves and pools: float [B, H, W, I] -> dtype [B, (H - 2) // 2, (W - 2) // 2, features]."""
        kernel = self.param("kernel", fan_in_init(2.0), (3, 3, x.shape[-1], self.features))
        convolve = convolution.valid_by_products if self.as_products else convolution.valid
        y = convolve(x.astype(self.dtype), kernel.astype(self.dtype))
        # Bias and ReLU are monotone: after the pooling they give the same values for a quarter of the work.
        return nn.relu(_add_bias(self, max_pool(y)))


def _add_bias(module: DownConv | UpConv | PooledConv, x: jax.Array) -> jax.Array:
    return x + module.param("bias", nn.initializers.zeros, (module.features,)).astype(module.dtype)


def batch_norm(
    *, train: bool, dtype: DTypeLike, axis_name: str | None = None, written_out: bool = False
) -> nn.BatchNorm:
    """Batch norm as both networks of a GAN use it; statistics and their update are float32.

    Args:
      train: Normalise by the batch and update the running statistics; otherwise use them.
      dtype: Type of the output.
      axis_name: Device axis whose batches are normalised as one; None normalises each device's batch alone.
        The parameters and statistics are the same either way, and so is the result with train=False.
      written_out: Whether its gradient is, see `BatchNorm`; the result is the same up to rounding.

    Returns:
      A linen module to call on [..., C].
    """
    # The paper names no momentum; 0.9 is DCGAN's own.
    return (BatchNorm if written_out else nn.BatchNorm)(
        use_running_average=not train,
        momentum=0.9,
        epsilon=BATCH_NORM_EPSILON,
        dtype=dtype,
        axis_name=axis_name,
        # Scales start around one, with the spread of all other weights (Radford et al. 2016, reference code).
        scale_init=lambda key, shape, dtype: 1.0 + gan_init(key, shape, dtype),
    )


def leaky_relu(x: jax.Array) -> jax.Array:
    """max(x, 0.2 x) (paper, section on the DCGAN)."""
    return nn.leaky_relu(x, LEAKY_SLOPE)


def dropout(x: jax.Array, keys: jax.Array, rate: float) -> jax.Array:
    """Dropout whose mask belongs to the example, not to its position in a batch or on a device.

    Args:
      x: float [B, F].
      keys: Keys [B]; example i is masked by keys[i] alone.
      rate: Share of features set to zero; the others grow by 1 / (1 - rate).

    Returns:
      As x.
    """
    keep = jax.vmap(lambda key: jax.random.bernoulli(key, 1.0 - rate, x.shape[1:]))(keys)
    return jnp.where(keep, x / (1.0 - rate), jnp.zeros((), x.dtype))
