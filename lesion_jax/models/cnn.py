"""The paper's lesion classifier (paper, section on the classifier)."""

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from lesion_jax.models.convolution import valid_by_products
from lesion_jax.models.layers import dropout, fan_in_init
from lesion_jax.models.pooling import max_pool

# Below it the third pooling has nothing left: 22 -> 20 -> 10 -> 8 -> 4 -> 2 -> 1.
MIN_IMAGE_SIZE = 22

_DROPOUT_RATE = 0.5


class Classifier(nn.Module):
    """[conv 3x3 unpadded -> ReLU -> max-pool 2x2] x 3 -> dense -> ReLU -> dropout 0.5 -> dense.

    Width 32, 64x64 and three classes are the paper's: 1,273,347 parameters.

    Attributes:
      num_classes: C.
      width: Filters of the first convolution; the others have 2 and 4 times, the dense layer 8 times as many.
      dtype: Of the computation; parameters, features and logits are float32.
      as_products: Whether convolutions are written as matrix products, see `convolution`; the result is the same.
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
        # The paper is silent about the initial weights.
        init = fan_in_init(2.0)
        convolve = valid_by_products if self.as_products else None
        h = x.astype(self.dtype)
        for features in (self.width, 2 * self.width, 4 * self.width):
            h = nn.Conv(
                features, (3, 3), padding="VALID", kernel_init=init, dtype=self.dtype, conv_general_dilated=convolve
            )(h)
            # ReLU is monotone: after the pooling it gives the same values for a quarter of the work.
            h = nn.relu(max_pool(h))
        h = nn.relu(nn.Dense(8 * self.width, kernel_init=init, dtype=self.dtype)(h.reshape(len(h), -1)))
        features = h.astype(jnp.float32)
        h = features if keys is None else dropout(features, keys, _DROPOUT_RATE)
        return nn.Dense(self.num_classes, kernel_init=fan_in_init(1.0))(h), features
