"""Adversarial losses on logits: one value per pair of a real and a fake image; finite for any finite logit.

D(x) = sigmoid(logit) is the discriminator's probability that x is real. A loss is a function of pairs, so that
relativistic ones, which compare the two images of a pair, fit beside those that look at each image alone.
"""

from typing import Protocol

import jax
import jax.numpy as jnp

# log D = -softplus(-logit) and log(1 - D) = -softplus(logit) never take the log of a rounded sigmoid.
_softplus = jax.nn.softplus


class PairLoss(Protocol):
    """(real_logits float [B], fake_logits float [B]) -> (discriminator's, generator's loss, each float32 [B])."""

    def __call__(
        self, real_logits: jax.Array, fake_logits: jax.Array, *, label_smoothing: jax.Array | float = 0.0
    ) -> tuple[jax.Array, jax.Array]:
        """Both losses of B pairs.

        Args:
          real_logits: float [B], the discriminator's logits of real images.
          fake_logits: float [B], its logits of generated images.
          label_smoothing: In [0, 1): real targets are 1 - label_smoothing (Salimans et al. 2016). Only losses of
            `SMOOTHED_LOSSES` have targets; the others ignore it.

        Returns:
          (what the discriminator minimises, what the generator minimises), each float32 [B].
        """
        ...


def _cross_entropy(real: jax.Array, fake: jax.Array, label_smoothing: jax.Array | float) -> jax.Array:
    # -(1 - s) log D - s log(1 - D) = softplus(-real) + s real
    return _softplus(-real) + label_smoothing * real + _softplus(fake)


def non_saturating_loss(
    real_logits: jax.Array, fake_logits: jax.Array, *, label_smoothing: jax.Array | float = 0.0
) -> tuple[jax.Array, jax.Array]:
    """D: -log D(x) - log(1 - D(G(z))); G: -log D(G(z)) (paper, section on the DCGAN); see `PairLoss`."""
    real, fake = _float32(real_logits, fake_logits)
    return _cross_entropy(real, fake, label_smoothing), _softplus(-fake)


def minimax_loss(
    real_logits: jax.Array, fake_logits: jax.Array, *, label_smoothing: jax.Array | float = 0.0
) -> tuple[jax.Array, jax.Array]:
    """D as `non_saturating_loss`; G: log(1 - D(G(z))), which vanishes where D is sure; see `PairLoss`."""
    real, fake = _float32(real_logits, fake_logits)
    return _cross_entropy(real, fake, label_smoothing), -_softplus(fake)


def hinge_loss(
    real_logits: jax.Array, fake_logits: jax.Array, *, label_smoothing: jax.Array | float = 0.0
) -> tuple[jax.Array, jax.Array]:
    """D: max(0, 1 - real) + max(0, 1 + fake); G: -fake (Lim and Ye 2017); see `PairLoss`."""
    del label_smoothing
    real, fake = _float32(real_logits, fake_logits)
    return jax.nn.relu(1.0 - real) + jax.nn.relu(1.0 + fake), -fake


def least_squares_loss(
    real_logits: jax.Array, fake_logits: jax.Array, *, label_smoothing: jax.Array | float = 0.0
) -> tuple[jax.Array, jax.Array]:
    """D: (real - 1)^2 / 2 + fake^2 / 2; G: (fake - 1)^2 / 2 (Mao et al. 2017); see `PairLoss`."""
    del label_smoothing
    real, fake = _float32(real_logits, fake_logits)
    return 0.5 * jnp.square(real - 1.0) + 0.5 * jnp.square(fake), 0.5 * jnp.square(fake - 1.0)


def relativistic_loss(
    real_logits: jax.Array, fake_logits: jax.Array, *, label_smoothing: jax.Array | float = 0.0
) -> tuple[jax.Array, jax.Array]:
    """D: -log sigmoid(real - fake); G: -log sigmoid(fake - real) (Jolicoeur-Martineau 2018, RpGAN); see `PairLoss`."""
    del label_smoothing
    real, fake = _float32(real_logits, fake_logits)
    return _softplus(fake - real), _softplus(real - fake)


def _float32(*logits: jax.Array) -> list[jax.Array]:
    return [x.astype(jnp.float32) for x in logits]


PAIR_LOSSES: dict[str, PairLoss] = {
    "non_saturating": non_saturating_loss,
    "minimax": minimax_loss,
    "hinge": hinge_loss,
    "least_squares": least_squares_loss,
}
# Those with targets that can be smoothed.
SMOOTHED_LOSSES = ("non_saturating", "minimax")
