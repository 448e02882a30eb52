"""The paper's lesion classifier (paper, section on the classifier)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lesion_jax.models.layers import PooledConv, dropout, fan_in_init

# Below it the third pooling has nothing left: 22 -> 20 -> 10 -> 8 -> 4 -> 2 -> 1.
MIN_IMAGE_SIZE = 22

_DROPOUT_RATE = 0.5


class Classifier(nn.Module):
    """[conv 3x3 unpadded -> ReLU -> max-pool 2x2] x 3 -> dense -> ReLU -> dropout 0.5 -> dense.

    Width 32, 64x64 and three classes are the paper's: 1,273,347 parameters. It is silent about the initial weights:
    see `layers.fan_in_init`.

    Attributes:
      num_classes: Number of classes, C.
      width: Filters of the first convolution; the others have 2 and 4 times, the dense layer 8 times as many.
      dtype: Type of the computation; parameters, features and logits are float32.
      as_products: Whether the convolutions are written as matrix products; the result is the same.
    """

    num_classes: int
    width: int = 32
    dtype: DTypeLike = jnp.float32
    as_products: bool = False

    @nn.compact
    def __call__(self, x: jax.Array, *, keys: jax.Array | None = None) -> tuple[jax.Array, jax.Array]:
        """Classifies images.

        Args:
          x: float32 [B, H, H, 1], in [0, 1] less the mean of the training images; H at least MIN_IMAGE_SIZE.
          keys: Keys [B], one per example, of the dropout; None turns dropout off.

        Returns:
          (logits float32 [B, C], features float32 [B, 8 width]: the last hidden layer before dropout).

        Raises:
          ValueError: The images are too small.
        """
        if min(x.shape[1:3]) < MIN_IMAGE_SIZE:
            raise ValueError(f"Images have sides {x.shape[1:3]}; the classifier needs {MIN_IMAGE_SIZE} pixels.")
        h = x
        for features in (self.width, 2 * self.width, 4 * self.width):
            h = PooledConv(features, self.dtype, self.as_products)(h)
        hidden = nn.Dense(8 * self.width, kernel_init=fan_in_init(2.0), dtype=self.dtype)
        h = nn.relu(hidden(h.reshape(len(h), -1)))
        features = h.astype(jnp.float32)
        h = features if keys is None else dropout(features, keys, _DROPOUT_RATE)
        return nn.Dense(self.num_classes, kernel_init=fan_in_init(1.0))(h), features
