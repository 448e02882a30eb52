import jax
import jax.numpy as jnp
import numpy as np
from jax.test_util import check_grads

from lesion_jax.objectives.classification import adjusted_logits, cross_entropy_loss

LOGITS = jnp.log(jnp.array([[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]]))
LABELS = jnp.array([2, 0])


def test_hand_computed_values():
    np.testing.assert_allclose(cross_entropy_loss(LOGITS, LABELS), [np.log(8 / 5), np.log(4)], rtol=1e-6)


def test_gradient_is_softmax_less_one_hot():
    grad = jax.grad(lambda x: cross_entropy_loss(x, LABELS).sum())(LOGITS)
    np.testing.assert_allclose(grad, [[1 / 8, 2 / 8, -3 / 8], [-3 / 4, 1 / 4, 2 / 4]], atol=1e-6)
    check_grads(lambda x: cross_entropy_loss(x, LABELS), (LOGITS,), order=1, modes=["rev"], atol=1e-2, rtol=1e-2)


def test_huge_logits_and_bfloat16():
    loss = cross_entropy_loss(jnp.array([[1e4, -1e4], [1e4, -1e4]]), jnp.array([0, 1]))
    np.testing.assert_allclose(loss, [0.0, 2e4])
    assert cross_entropy_loss(LOGITS.astype(jnp.bfloat16), LABELS).dtype == jnp.float32


def test_adjusted_logits_multiply_the_odds_by_the_prior():
    prior, strength = jnp.array([0.5, 0.3, 0.2]), jnp.float32(2.0)
    found = jax.nn.softmax(adjusted_logits(LOGITS, jnp.log(prior), strength))
    odds = np.array([[1.0, 2.0, 5.0], [1.0, 1.0, 2.0]]) * np.array([0.25, 0.09, 0.04])
    np.testing.assert_allclose(found, odds / odds.sum(1, keepdims=True), rtol=1e-5)
