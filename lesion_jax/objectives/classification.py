"""The classification loss, one value per example, and what a rare class does to its logits."""

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


def adjusted_logits(logits: jax.Array, log_prior: jax.Array, strength: jax.Array) -> jax.Array:
    """Logits for the loss alone, after which plain ones minimise the balanced error.

    strength * log_prior is added (Menon et al. 2021, "Long-tail learning via logit adjustment", arXiv 2007.07314,
    equation 10).

    Args:
      logits: float [B, C].
      log_prior: float32 [C], logarithm of each class's share of the training.
      strength: Their tau; 1 is consistent for the balanced error.

    Returns:
      float32 [B, C].
    """
    return logits.astype(jnp.float32) + strength * log_prior
