"""The state of every GAN, whatever its step: two networks, the generator's moving average, how the discriminator fares.

Where they lie in a `TrainState`, and in a checkpoint's arrays, only this file knows.
"""

from typing import Any

import jax
import jax.numpy as jnp

from lesion_jax.core.state import Network, TrainState, Tree
from lesion_jax.families.base import Arrays
from lesion_jax.metrics.collapse import DISCRIMINATOR_LOSS

_GENERATOR, _DISCRIMINATOR = "generator", "discriminator"
# Of the running mean of the discriminator's loss: it follows within some fifty steps.
_LOSS_DECAY = 0.98


def first_state(generator: Network, discriminator: Network, hyper: dict[str, jax.Array]) -> TrainState:
    """The state before the first step; the moving average is a copy of the generator's weights.

    Args:
      generator: With first weights.
      discriminator: Likewise.
      hyper: Scalars by name, see `TrainState`.
    """
    return TrainState(
        step=jnp.zeros((), jnp.int32),
        networks={_GENERATOR: generator, _DISCRIMINATOR: discriminator},
        ema={_GENERATOR: jax.tree.map(jnp.copy, generator.variables)},
        hyper=hyper,
        health={DISCRIMINATOR_LOSS: jnp.ones(())},
    )


def next_state(state: TrainState, generator: Network, discriminator: Network, average: Tree, loss: Any) -> TrainState:
    """The state after one more step.

    Args:
      state: Before the step.
      generator: After the step.
      discriminator: After the step.
      average: Moving average of the generator's {params, batch_stats}, after the step.
      loss: float32 scalar, the discriminator's loss in this step; a collapse is told by its running mean.
    """
    running = _LOSS_DECAY * state.health[DISCRIMINATOR_LOSS] + (1.0 - _LOSS_DECAY) * loss
    return state.replace(
        step=state.step + 1,
        networks={_GENERATOR: generator, _DISCRIMINATOR: discriminator},
        ema={_GENERATOR: average},
        health={DISCRIMINATOR_LOSS: running},
    )


def networks_of(state: TrainState) -> tuple[Network, Network, Tree]:
    """(generator, discriminator, moving average of the generator's {params, batch_stats})."""
    return state.networks[_GENERATOR], state.networks[_DISCRIMINATOR], state.ema[_GENERATOR]


def drawing_generator(arrays: Arrays) -> dict[str, Tree]:
    """The generator's {params, batch_stats} that draw, those of its moving average, in a checkpoint's arrays."""
    return _variables(arrays["ema"][_GENERATOR])


def trained_discriminator(arrays: Arrays) -> dict[str, Tree]:
    """The discriminator's {params, batch_stats} in a checkpoint's arrays, as trained."""
    return _variables(arrays["networks"][_DISCRIMINATOR])


def _variables(held: Arrays) -> dict[str, Tree]:
    # A checkpoint keeps no empty dict, as that of a network without batch norm is.
    return {"params": held["params"], "batch_stats": held.get("batch_stats", {})}
