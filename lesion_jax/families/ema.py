"""Moving averages of weights."""

from typing import Any

import jax
import jax.numpy as jnp

# Half-life as a share of the images seen so far: the average forgets where it came from, however short a training is
# (Karras et al. 2020, "Training generative adversarial networks with limited data": "ema_rampup").
_SHARE = 0.05


def moved(average: Any, weights: Any, decay: jax.Array) -> Any:
    """The sum decay * average + (1 - decay) * weights, of trees of float32 with one structure."""
    return jax.tree.map(lambda old, new: decay * old + (1.0 - decay) * new, average, weights)


def moved_by_images(old: Any, new: Any, step: jax.Array, batch_size: int, half_life: jax.Array) -> Any:
    """The average after step `step`, counted from 0; in images, it means the same at any batch size and length.

    Args:
      old: The average so far, a tree of float32.
      new: The weights after the step, of the same structure.
      step: int32 scalar.
      batch_size: Images of a step, over all replicas.
      half_life: float32 scalar, images after which weights count half; at most 5 % of those seen.

    Returns:
      The average after the step, a tree of float32.
    """
    seen = (step + 1) * batch_size
    decay = 0.5 ** (batch_size / jnp.maximum(jnp.minimum(half_life, _SHARE * seen), 1e-3))
    return moved(old, new, decay)
