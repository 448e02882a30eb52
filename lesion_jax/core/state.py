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


class GanHyper(PyTreeNode):
    """Scalars of a GAN that may differ between members of a population. All float32 but the last two, int32.

    Attributes:
      learning_rate: Of Adam, for both networks.
      beta1: Of Adam.
      beta2: Of Adam.
      label_smoothing: One-sided: real targets are 1 - label_smoothing.
      class_weight: Weight of the class loss of an ACGAN.
      ema_decay: 0 keeps no average: the EMA equals the generator (the paper).
      generator_every: The generator is updated at every n-th step.
      discriminator_every: The discriminator is updated at every n-th step.
    """

    learning_rate: jax.Array
    beta1: jax.Array
    beta2: jax.Array
    label_smoothing: jax.Array
    class_weight: jax.Array
    ema_decay: jax.Array
    generator_every: jax.Array
    discriminator_every: jax.Array


class GanState(PyTreeNode):
    """State of a DCGAN or an ACGAN.

    Attributes:
      step: int32, how many steps have been taken.
      generator: The network that makes images.
      discriminator: The network that judges them.
      ema: Exponential moving average of the generator's {params, batch_stats}.
      discriminator_loss: float32, running mean of the discriminator's loss, from 1 on: at zero it has won.
      hyper: Scalars.
    """

    step: jax.Array
    generator: Network
    discriminator: Network
    ema: Tree
    discriminator_loss: jax.Array
    hyper: GanHyper


class ClassifierHyper(PyTreeNode):
    """Scalars of a classifier, float32.

    Attributes:
      learning_rate: Of SGD.
      momentum: Nesterov.
      mean: Mean of the training images in [0, 1], subtracted from every image.
    """

    learning_rate: jax.Array
    momentum: jax.Array
    mean: jax.Array


class ClassifierState(PyTreeNode):
    """State of a classifier: see `GanState`."""

    step: jax.Array
    classifier: Network
    hyper: ClassifierHyper
