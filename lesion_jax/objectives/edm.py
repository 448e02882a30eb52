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
    # One evaluation is one round of the loop, so that the network is compiled once: by turns the slope at the beginning
    # of a step, and the one where it leads to. The last step ends at no noise, where there is none, and is Euler's.
    sigmas = sigma_steps(num_steps)
    # Levels 0, 1, 1, 2, 2 ..., of steps 0, 0, 1, 1, 2 ....
    at, steps = jnp.repeat(sigmas, 2)[1:-2], jnp.repeat(jnp.diff(sigmas), 2)[:-1]
    is_second = jnp.arange(2 * num_steps - 1) % 2 == 1

    def evaluate(carry: Any, now: Any) -> tuple[Any, None]:
        x, predicted, first = carry
        sigma, step, is_second = now
        point = hold(jnp.where(is_second, predicted, x), sigma)
        slope = (point - denoise(point, sigma)) / sigma
        begin = jnp.where(is_second, x, point)
        corrected = begin + step * 0.5 * (first + slope)
        return (jnp.where(is_second, corrected, begin), begin + step * slope, slope), None

    start = noise * sigmas[0]
    (_, x, _), _ = jax.lax.scan(evaluate, (start, start, jnp.zeros_like(start)), (at, steps, is_second))
    return hold(x, sigmas[-1])
