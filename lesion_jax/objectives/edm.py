"""Diffusion as Karras et al. 2022, "Elucidating the design space of diffusion-based generative models" (EDM), have it.

Noise of standard deviation sigma is added to images in [-1, 1] of standard deviation s. A network F is wrapped so that
its inputs and targets have variance one at every sigma (table 1): D(x, sigma) = c_skip x + c_out F(c_in x, c_noise).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

# Of the training's log sigma, their table 1.
P_MEAN, P_STD = -1.2, 1.2
SIGMA_MIN, SIGMA_MAX, RHO = 0.002, 80.0, 7.0


class Preconditioning(NamedTuple):
    """Factors at some sigmas, each of their shape."""

    skip: jax.Array
    out: jax.Array
    into: jax.Array
    noise: jax.Array


def preconditioning(sigma: jax.Array, data_std: jax.Array | float) -> Preconditioning:
    """c_skip, c_out, c_in and c_noise.

    Args:
      sigma: float, above 0, of any shape.
      data_std: Standard deviation s of the images.
    """
    total = jnp.sqrt(jnp.square(sigma) + jnp.square(data_std))
    return Preconditioning(jnp.square(data_std / total), sigma * data_std / total, 1 / total, jnp.log(sigma) / 4)


def loss_weight(sigma: jax.Array, data_std: jax.Array | float) -> jax.Array:
    """lambda(sigma) = 1 / c_out^2, so that F's error counts alike at every sigma."""
    return (jnp.square(sigma) + jnp.square(data_std)) / jnp.square(sigma * data_std)


def sigma_steps(num: int) -> jax.Array:
    """Noise levels of a drawing, falling from SIGMA_MAX to SIGMA_MIN, then 0: float32 [num + 1]; their equation 5."""
    share, ends = jnp.linspace(0, 1, num), [sigma ** (1 / RHO) for sigma in (SIGMA_MAX, SIGMA_MIN)]
    return jnp.append((ends[0] + share * (ends[1] - ends[0])) ** RHO, 0.0)


def sample(
    denoise: Callable[[jax.Array, jax.Array], jax.Array],
    noise: jax.Array,
    num_steps: int,
    hold: Callable[[jax.Array, jax.Array], jax.Array] = lambda x, sigma: x,
) -> jax.Array:
    """Draws images: Heun's method on the probability flow, their algorithm 1; 2 num_steps - 1 evaluations.

    Args:
      denoise: f(x, sigma scalar) -> the mean of clean images given x.
      noise: float32, N(0, 1), of the shape of the images.
      num_steps: Noise levels.
      hold: f(x, sigma) -> x, applied before every evaluation: puts back what is known.

    Returns:
      As noise.
    """
    sigmas = sigma_steps(num_steps)

    def slope(x: jax.Array, sigma: jax.Array) -> jax.Array:
        return (x - denoise(x, sigma)) / sigma

    def advance(x: jax.Array, now: Any) -> tuple[jax.Array, None]:
        sigma, after = now
        x = hold(x, sigma)
        first = slope(x, sigma)
        x_after = hold(x + (after - sigma) * first, after)
        return x + (after - sigma) * 0.5 * (first + slope(x_after, after)), None

    x, _ = jax.lax.scan(advance, noise * sigmas[0], (sigmas[:-2], sigmas[1:-1]))
    # The last step ends at no noise, where there is no slope: Euler's.
    x = hold(x, sigmas[-2])
    return hold(x - sigmas[-2] * slope(x, sigmas[-2]), sigmas[-1])
