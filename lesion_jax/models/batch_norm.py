"""Batch norm with its gradient written out, for GPUs; everything else takes flax's.

Written out, the gradient takes two sums over the batch where the derived one takes three and keeps float32 copies of
the images in memory between them: a DCGAN's step has a tenth fewer kernels. The two are equal up to rounding. Chosen
when a program is lowered, by `lax.platform_dependent`, it changed the bits of CPUs too, whose form is flax's.
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


def _normalise(x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float, dtype: DTypeLike) -> Normalised:
    """Normalises float [..., C] by itself; scale and bias float32 [C]. Nothing flows back through mean and variance."""
    image = x.astype(jnp.float32)
    mean, square = _means(image, lax.square(image))
    # Rounding may leave the difference below 0.
    variance = jnp.maximum(0.0, square - lax.square(mean))
    y = (image - mean) * (lax.rsqrt(variance + epsilon) * scale) + bias
    return y.astype(dtype), mean, variance


normalise = jax.custom_vjp(_normalise, nondiff_argnums=(3, 4))


def _means(first: jax.Array, second: jax.Array) -> jax.Array:
    """[2, C]: the means of two float32 [..., C], stacked, so that their parts are added up by one kernel."""
    return jnp.stack([first, second]).mean(tuple(range(1, first.ndim)))


def _keep(x: jax.Array, scale: jax.Array, bias: jax.Array, epsilon: float, dtype: DTypeLike) -> tuple[Any, tuple]:
    # Not by `normalise`: the gradient of a gradient, of a penalty, goes through what is kept.
    found = _normalise(x, scale, bias, epsilon, dtype)
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


normalise.defvjp(_keep, _pull)
