"""Gradient penalties: second-order gradients through the convolutions, and a step that is given one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from lesion_jax.core import keys
from lesion_jax.families.gan_step import create_gan_state, make_gan_step
from lesion_jax.models import convolution
from lesion_jax.objectives.gan import non_saturating_loss
from lesion_jax.runtime import parallel
from tests.families.toys import TOYS
from tests.train.tiny import WINDOW, gan_hyper, host_batch

pytestmark = pytest.mark.slow


def plain_down(x, w):
    return lax.conv_general_dilated(x, w, (2, 2), convolution.PADDING, dimension_numbers=("NHWC", "HWIO", "NHWC"))


def plain_up(y, w):
    return convolution.up_by_dilation(y, w)


def plain_valid(x, w):
    return convolution.valid_by_convolution(x, w)


@pytest.mark.parametrize(
    ("form", "plain", "shapes"),
    [
        (convolution.down, plain_down, ((2, 8, 8, 3), (5, 5, 3, 4))),
        (convolution.down_by_products, plain_down, ((2, 8, 8, 3), (5, 5, 3, 4))),
        (convolution.up, plain_up, ((2, 4, 4, 4), (5, 5, 3, 4))),
        (convolution.up_by_products, plain_up, ((2, 4, 4, 4), (5, 5, 3, 4))),
        # Of one channel.
        (convolution.down, plain_down, ((2, 8, 8, 1), (5, 5, 1, 4))),
        (convolution.up, plain_up, ((2, 4, 4, 4), (5, 5, 1, 4))),
        (convolution.valid, plain_valid, ((2, 7, 8, 1), (3, 3, 1, 4))),
    ],
)
def test_second_order_gradients_are_those_of_lax(form, plain, shapes):
    generator = np.random.default_rng(0)
    x, w = (jnp.asarray(generator.standard_normal(shape), jnp.float32) for shape in shapes)

    def penalty(convolve):
        def slope(x, w):
            # Not linear in x, so that its gradient depends on x too.
            return jnp.sum(jnp.square(jax.grad(lambda x: jnp.sum(jnp.tanh(convolve(x, w))))(x)))

        # Operation by operation they would be compiled one by one.
        return jax.jit(jax.value_and_grad(slope, argnums=(0, 1)))

    for want, got in zip(jax.tree.leaves(penalty(plain)(x, w)), jax.tree.leaves(penalty(form)(x, w)), strict=True):
        np.testing.assert_allclose(got, want, rtol=2e-4, atol=2e-4 * float(jnp.abs(want).max()))


def test_a_second_order_gradient_is_that_of_finite_differences():
    generator = np.random.default_rng(1)
    x = jnp.asarray(generator.standard_normal((1, 4, 4, 2)), jnp.float32)
    w, direction = (jnp.asarray(generator.standard_normal((5, 5, 2, 3)), jnp.float32) for _ in range(2))

    @jax.jit
    def penalty(w):
        slope = jax.grad(lambda x: jnp.sum(jnp.tanh(convolution.down(x, w))))(x)
        return jnp.sum(jnp.square(slope))

    size = 1e-2
    differences = (penalty(w + size * direction) - penalty(w - size * direction)) / (2 * size)
    np.testing.assert_allclose(jnp.vdot(jax.grad(penalty)(w), direction), differences, rtol=2e-2)


def r1(critic, params, real, fake, hyper):
    """Squared slope of the critic at real images (Mescheder et al. 2018)."""
    slopes = jax.grad(lambda x: jnp.sum(critic(params, x)))(real)
    return 5.0 * jnp.mean(jnp.sum(jnp.square(slopes), axis=(1, 2, 3)))


def test_a_step_with_a_penalty_gives_the_discriminator_its_gradient_and_no_other():
    state = create_gan_state(*TOYS, seed=1, image_size=16, latent_size=5, hyper=gan_hyper())
    given = {"pair_loss": non_saturating_loss, "latent_size": 5, "window": WINDOW, "average": parallel.alone}
    batch, key = host_batch(4), keys.stream(0, "gan")
    without, _ = jax.jit(make_gan_step(*TOYS, **given))(state, batch, key)
    with_one, metrics = jax.jit(make_gan_step(*TOYS, **given, penalty=r1))(state, batch, key)
    assert float(metrics["loss/penalty"]) > 0

    def moments(found, name):
        return np.concatenate([x.ravel() for x in jax.tree.leaves(found.networks[name].opt_state[0].mu)])

    np.testing.assert_array_equal(moments(with_one, "generator"), moments(without, "generator"))
    # Adam's first moment after one step is half of the gradient: the difference is the penalty's.
    gained = 2 * (moments(with_one, "discriminator") - moments(without, "discriminator"))

    def penalty(params):
        def critic(params, images):
            variables = {"params": params, "batch_stats": state.networks["discriminator"].batch_stats}
            (source, _), _ = TOYS[1].apply(variables, images, train=True, mutable=["batch_stats"])
            return source

        real = jnp.clip((batch["pixels"] - WINDOW[0]) / (WINDOW[1] - WINDOW[0]), 0, 1)[..., None] * 2 - 1
        return r1(critic, params, real.astype(jnp.float32), None, None)

    want = jax.jit(jax.grad(penalty))(state.networks["discriminator"].params)
    want = np.concatenate([x.ravel() for x in jax.tree.leaves(want)])
    np.testing.assert_allclose(gained, want, atol=1e-4 * np.abs(want).max())
