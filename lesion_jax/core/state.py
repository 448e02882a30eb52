"""Training states: arrays only, so that any of them can be saved, packed or sharded.

Hyper-parameters that a sweep varies are arrays in the state: changing one never recompiles.
"""

from typing import Any

import jax
from flax.struct import PyTreeNode

Tree = Any


class Network(PyTreeNode):
    """One network under training.

    Attributes:
      params: Trainable arrays, float32.
      batch_stats: Running means and variances, float32; an empty dict without batch norm.
      opt_state: State of the optimizer.
    """

    params: Tree
    batch_stats: Tree
    opt_state: Tree

    @property
    def variables(self) -> dict[str, Tree]:
        """What `Module.apply` takes."""
        return {"params": self.params, "batch_stats": self.batch_stats}


class TrainState(PyTreeNode):
    """State of one training of any family.

    Attributes:
      step: int32 scalar, steps taken.
      networks: Networks by name.
      ema: Exponential moving averages {params, batch_stats} by name of the network; empty where a family keeps none.
      hyper: Every traced setting of the config by name, float32 or int32 scalars, and what a family adds, such as the
        prior of the classes.
      health: float32 scalars by name, which say whether the training is in order.
    """

    step: jax.Array
    networks: dict[str, Network]
    ema: dict[str, Tree]
    hyper: dict[str, jax.Array]
    health: dict[str, jax.Array]
