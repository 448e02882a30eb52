"""Adversarial losses on logits, one value per example; finite for any finite logit.

D(x) = sigmoid(logit) is the discriminator's probability that x is real.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

# log D = -softplus(-logit) and log(1 - D) = -softplus(logit) never take the log of a rounded sigmoid.
_softplus = jax.nn.softplus

_CROSS_ENTROPY = ("non_saturating", "minimax")

_GENERATOR: dict[str, Callable[[jax.Array], jax.Array]] = {
    "non_saturating": lambda fake: _softplus(-fake),
    "minimax": lambda fake: -_softplus(fake),
    "hinge": lambda fake: -fake,
    "least_squares": lambda fake: 0.5 * jnp.square(fake - 1.0),
}

FORMS = tuple(_GENERATOR)


def discriminator_loss(
    real_logits: jax.Array, fake_logits: jax.Array, *, form: str, label_smoothing: jax.Array | float = 0.0
) -> tuple[jax.Array, jax.Array]:
    """What the discriminator minimises.

    Args:
      real_logits: float [B], logits of real images.
      fake_logits: float [B'], logits of generated images.
      form: "non_saturating" and "minimax": -log D(x) - log(1 - D(G(z))) (paper, section on the DCGAN).
        "hinge": max(0, 1 - real) + max(0, 1 + fake) (Lim and Ye 2017).
        "least_squares": (real - 1)^2 / 2 + fake^2 / 2 (Mao et al. 2017).
      label_smoothing: In [0, 1): real targets are 1 - label_smoothing (Salimans et al. 2016). Only the two
        cross-entropy forms have targets; the others ignore it.

    Returns:
      (real part float32 [B], fake part float32 [B']).

    Raises:
      ValueError: Unknown form.
    """
    _check(form)
    real, fake = real_logits.astype(jnp.float32), fake_logits.astype(jnp.float32)
    if form in _CROSS_ENTROPY:
        # -(1 - s) log D - s log(1 - D) = softplus(-real) + s real
        return _softplus(-real) + label_smoothing * real, _softplus(fake)
    if form == "hinge":
        return jax.nn.relu(1.0 - real), jax.nn.relu(1.0 + fake)
    return 0.5 * jnp.square(real - 1.0), 0.5 * jnp.square(fake)


def generator_loss(fake_logits: jax.Array, *, form: str) -> jax.Array:
    """What the generator minimises.

    Args:
      fake_logits: float [B], the discriminator's logits of generated images.
      form: "non_saturating": -log D(G(z)), the paper's. "minimax": log(1 - D(G(z))), which vanishes where D
        is sure. "hinge": -logit. "least_squares": (logit - 1)^2 / 2.

    Returns:
      float32 [B].

    Raises:
      ValueError: Unknown form.
    """
    _check(form)
    return _GENERATOR[form](fake_logits.astype(jnp.float32))


def _check(form: str) -> None:
    if form not in FORMS:
        raise ValueError(f"form is {form!r}; the adversarial losses are {', '.join(FORMS)}.")
