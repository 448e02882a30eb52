"""The classification loss, one value per example."""

import jax
import jax.numpy as jnp


def cross_entropy_loss(logits: jax.Array, labels: jax.Array) -> jax.Array:
    """-log softmax(logits)[label] (paper, sections on the classifier and the ACGAN).

    Args:
      logits: float [B, C].
      labels: int32 [B] in [0, C).

    Returns:
      float32 [B].
    """
    log_probabilities = jax.nn.log_softmax(logits.astype(jnp.float32))
    return -jnp.take_along_axis(log_probabilities, labels[:, None], axis=-1)[:, 0]
