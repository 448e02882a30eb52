import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from lesion_jax.objectives.gan import FORMS, discriminator_loss, generator_loss

LN2, LN3, LN4 = np.log(2), np.log(3), np.log(4)
# Logits whose sigmoids are 1/2 and 3/4.
LOGITS = jnp.array([0.0, LN3])


@pytest.mark.parametrize("form", ["non_saturating", "minimax"])
def test_discriminator_by_cross_entropy(form):
    real, fake = discriminator_loss(LOGITS, LOGITS, form=form, label_smoothing=0.0)
    np.testing.assert_allclose(real, [LN2, LN4 - LN3], rtol=1e-6)
    np.testing.assert_allclose(fake, [LN2, LN4], rtol=1e-6)


def test_label_smoothing_is_one_sided_and_moves_the_optimum_to_its_target():
    real, fake = discriminator_loss(LOGITS, LOGITS, form="non_saturating", label_smoothing=0.1)
    np.testing.assert_allclose(real, [LN2, 0.9 * (LN4 - LN3) + 0.1 * LN4], rtol=1e-6)
    np.testing.assert_allclose(fake, [LN2, LN4], rtol=1e-6)
    at_target = jnp.log(jnp.array([0.9 / 0.1]))
    slope = jax.grad(lambda x: discriminator_loss(x, x, form="minimax", label_smoothing=0.1)[0].sum())(at_target)
    np.testing.assert_allclose(slope, 0.0, atol=1e-6)


def test_discriminator_by_hinge_and_least_squares():
    logits = jnp.array([-2.0, 0.5, 3.0])
    real, fake = discriminator_loss(logits, logits, form="hinge", label_smoothing=0.3)
    np.testing.assert_allclose(real, [3.0, 0.5, 0.0])
    np.testing.assert_allclose(fake, [0.0, 1.5, 4.0])
    real, fake = discriminator_loss(logits, logits, form="least_squares", label_smoothing=0.3)
    np.testing.assert_allclose(real, [4.5, 0.125, 2.0])
    np.testing.assert_allclose(fake, [2.0, 0.125, 4.5])


@pytest.mark.parametrize(
    ("form", "want"),
    [
        ("non_saturating", [LN2, LN4 - LN3]),
        ("minimax", [-LN2, -LN4]),
        ("hinge", [0.0, -LN3]),
        ("least_squares", [0.5, 0.5 * (LN3 - 1) ** 2]),
    ],
)
def test_generator(form, want):
    np.testing.assert_allclose(generator_loss(LOGITS, form=form), want, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("form", FORMS)
def test_gradients_and_huge_logits(form):
    def total(logits):
        real, fake = discriminator_loss(logits, -logits, form=form, label_smoothing=0.1)
        return jnp.sum(real) + 2 * jnp.sum(fake) + 3 * jnp.sum(generator_loss(logits, form=form))

    check_grads(total, (jnp.array([-1.7, -0.3, 0.4, 2.2]),), order=1, modes=["rev"], atol=1e-2, rtol=1e-2)
    huge = jnp.array([-1e4, 1e4])
    value, grad = jax.value_and_grad(total)(huge)
    assert np.isfinite(value) and np.isfinite(grad).all()


def test_only_minimax_lets_a_losing_generator_down():
    """At D(G(z)) ~ 0 the non-saturating gradient is -1, the minimax one nearly 0 (Goodfellow et al. 2014)."""
    slopes = {form: jax.grad(lambda x, f=form: generator_loss(x, form=f).sum())(jnp.array([-10.0])) for form in FORMS}
    np.testing.assert_allclose(slopes["non_saturating"], -1.0, atol=1e-4)
    assert abs(float(slopes["minimax"][0])) < 1e-4


@pytest.mark.parametrize("form", FORMS)
def test_losses_of_bfloat16_logits_are_float32_per_example(form):
    logits = jnp.zeros(3, jnp.bfloat16)
    for loss in (*discriminator_loss(logits, logits, form=form), generator_loss(logits, form=form)):
        assert loss.shape == (3,) and loss.dtype == jnp.float32


def test_an_unknown_form_is_refused_by_name():
    with pytest.raises(ValueError, match="'wasserstein'.*hinge"):
        generator_loss(LOGITS, form="wasserstein")
    with pytest.raises(ValueError, match="'wasserstein'"):
        discriminator_loss(LOGITS, LOGITS, form="wasserstein")
