import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from lesion_jax.objectives.gan import PAIR_LOSSES, hinge_loss, least_squares_loss, minimax_loss, non_saturating_loss

LN2, LN3, LN4 = np.log(2), np.log(3), np.log(4)
# Logits whose sigmoids are 1/2 and 3/4.
LOGITS = jnp.array([0.0, LN3])


@pytest.mark.parametrize("loss", [non_saturating_loss, minimax_loss])
def test_discriminator_by_cross_entropy(loss):
    on_d, _ = loss(LOGITS, LOGITS)
    np.testing.assert_allclose(on_d, [LN2 + LN2, LN4 - LN3 + LN4], rtol=1e-6)


def test_label_smoothing_is_one_sided_and_moves_the_optimum_to_its_target():
    on_d, _ = non_saturating_loss(LOGITS, LOGITS, label_smoothing=0.1)
    np.testing.assert_allclose(on_d, [LN2 + LN2, 0.9 * (LN4 - LN3) + 0.1 * LN4 + LN4], rtol=1e-6)
    at_target, fake = jnp.log(jnp.array([0.9 / 0.1])), jnp.zeros(1)
    slope = jax.grad(lambda x: minimax_loss(x, fake, label_smoothing=0.1)[0].sum())(at_target)
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)


def test_discriminator_by_hinge_and_least_squares():
    logits = jnp.array([-2.0, 0.5, 3.0])
    on_d, _ = hinge_loss(logits, logits[::-1], label_smoothing=0.3)
    np.testing.assert_allclose(on_d, [3.0 + 4.0, 0.5 + 1.5, 0.0 + 0.0])
    on_d, _ = least_squares_loss(logits, logits[::-1], label_smoothing=0.3)
    np.testing.assert_allclose(on_d, [4.5 + 4.5, 0.125 + 0.125, 2.0 + 2.0])


@pytest.mark.parametrize(
    ("loss", "want"),
    [
        (non_saturating_loss, [LN2, LN4 - LN3]),
        (minimax_loss, [-LN2, -LN4]),
        (hinge_loss, [0.0, -LN3]),
        (least_squares_loss, [0.5, 0.5 * (LN3 - 1) ** 2]),
    ],
)
def test_generator(loss, want):
    # Of these losses the generator's looks at the fake image of a pair alone.
    for real in (LOGITS, -LOGITS):
        np.testing.assert_allclose(loss(real, LOGITS)[1], want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("loss", PAIR_LOSSES.values(), ids=PAIR_LOSSES)
def test_gradients_and_huge_logits(loss):
    def total(logits):
        on_d, on_g = loss(logits, -2 * logits, label_smoothing=0.1)
        return jnp.sum(on_d) + 3 * jnp.sum(on_g)

    check_grads(total, (jnp.array([-1.7, -0.3, 0.4, 2.2]),), order=1, modes=["rev"], atol=1e-2, rtol=1e-2)
    huge = jnp.array([-1e4, 1e4])
    value, grad = jax.value_and_grad(total)(huge)
    assert np.isfinite(value) and np.isfinite(grad).all()


def test_only_minimax_lets_a_losing_generator_down():
    """At D(G(z)) ~ 0 the non-saturating gradient is -1, the minimax one nearly 0 (Goodfellow et al. 2014)."""
    losing, real = jnp.array([-10.0]), jnp.zeros(1)
    slopes = [jax.grad(lambda x, f=f: f(real, x)[1].sum())(losing) for f in (non_saturating_loss, minimax_loss)]
    np.testing.assert_allclose(slopes[0], -1.0, atol=1e-4)
    assert abs(float(slopes[1][0])) < 1e-4


@pytest.mark.parametrize("loss", PAIR_LOSSES.values(), ids=PAIR_LOSSES)
def test_losses_of_bfloat16_logits_are_float32_per_pair(loss):
    logits = jnp.zeros(3, jnp.bfloat16)
    for part in loss(logits, logits):
        assert part.shape == (3,) and part.dtype == jnp.float32
