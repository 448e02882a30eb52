"""Batch norm whose form depends on the platform, like that of a convolution.

On CPUs it is flax's own, with the gradient that JAX derives. On accelerators its gradient is written out: two sums over
the batch where the derived one takes three and keeps float32 copies of the images in memory between them. A DCGAN's
step then has a tenth fewer kernels (benchmarks/gpu_compiled.py). Both are equal up to rounding.
"""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax
from jax.typing import DTypeLike

# (normalised, mean [C], variance [C]).
Normalised = tuple[jax.Array, jax.Array, jax.Array]


class BatchNorm(nn.BatchNorm):
    """`flax.linen.BatchNorm` along all axes but the last, with float32 statistics, scale and bias."""

    @nn.compact
    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """[..., C] -> the same shape, in `dtype`; arguments as flax has them."""
        by_itself = not (use_running_average or self.use_running_average or self.axis_name or self.is_initializing())
        if not by_itself or mask is not None:
            return super().__call__(x, use_running_average, mask=mask)
        size = (x.shape[-1],)
        scale = self.param("scale", self.scale_init, size, jnp.float32)
        bias = self.param("bias", self.bias_init, size, jnp.float32)
        y, mean, variance = normalise(x, scale, bias, self.epsilon, self.dtype or x.dtype)
        for name, now in (("mean", mean), ("var", variance)):
            running = self.variable("batch_stats", name, jnp.zeros, size, jnp.float32)
            running.value = self.momentum * running.value + (1 - self.momentum) * now
        return y


def normalise(x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float, dtype: DTypeLike) -> Normalised:
    """Normalises by the batch itself.

    Args:
      x: float [..., C].
      scale: float32 [C].
      bias: float32 [C].
      epsilon: Added to the variance.
      dtype: Type of the normalised x.

    Returns:
      (dtype [..., C], mean float32 [C], variance float32 [C]); nothing flows back through the latter two.
    """

    def derived(x: jax.Array, scale: jax.Array, bias: jax.Array) -> Normalised:
        image = x.astype(jnp.float32)
        axes = tuple(range(x.ndim - 1))
        return _scaled(x, image.mean(axes), lax.square(image).mean(axes), scale, bias, epsilon, dtype)

    def written_out(x: jax.Array, scale: jax.Array, bias: jax.Array) -> Normalised:
        return _written_out(x, scale, bias, epsilon, dtype)

    y, mean, variance = lax.platform_dependent(x, scale, bias, cpu=derived, default=written_out)
    return y, lax.stop_gradient(mean), lax.stop_gradient(variance)


def _scaled(
    x: jax.Array,
    mean: jax.Array,
    square: jax.Array,
    scale: jax.Array,
    bias: jax.Array,
    epsilon: float,
    dtype: DTypeLike,
) -> Normalised:
    # Rounding may leave the difference below 0.
    variance = jnp.maximum(0.0, square - lax.square(mean))
    y = (x - mean) * (lax.rsqrt(variance + epsilon) * scale) + bias
    return y.astype(dtype), mean, variance


def _stacked(x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float, dtype: DTypeLike) -> Normalised:
    image = x.astype(jnp.float32)
    mean, square = _means(image, lax.square(image))
    return _scaled(x, mean, square, scale, bias, epsilon, dtype)


_written_out = jax.custom_vjp(_stacked, nondiff_argnums=(3, 4))


def _means(first: jax.Array, second: jax.Array) -> jax.Array:
    """[2, C]: the means of two float32 [..., C], stacked, so that their parts are added up by one kernel."""
    return jnp.stack([first, second]).mean(tuple(range(1, first.ndim)))


def _keep(x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float, dtype: DTypeLike) -> tuple[Any, tuple]:
    # Not by `_written_out`: the gradient of a gradient, of a penalty, goes through what is kept.
    found = _stacked(x, scale, bias, epsilon, dtype)
    _, mean, variance = found
    return found, (x, mean, lax.rsqrt(variance + epsilon), scale)


def _pull(epsilon: float, dtype: DTypeLike, kept: tuple, given: Normalised) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Ioffe and Szegedy 2015, section 3, in two means over the batch."""
    del epsilon, dtype
    x, mean, inverse, scale = kept
    size = x.size // x.shape[-1]
    gradient, normal = given[0].astype(jnp.float32), (x - mean) * inverse
    of_bias, of_scale = _means(gradient, gradient * normal)
    of_x = inverse * scale * (gradient - of_bias - normal * of_scale)
    return of_x.astype(x.dtype), size * of_scale, size * of_bias


_written_out.defvjp(_keep, _pull)
