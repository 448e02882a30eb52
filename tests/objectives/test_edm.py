"""EDM's factors against hand values, and its sampler against data whose denoiser is known."""

import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.objectives.edm import loss_weight, preconditioning, sample, sigma_steps


def test_the_factors_are_those_of_the_paper():
    found = preconditioning(jnp.array([0.5, 1.0]), 0.5)
    # sigma = s: half of everything. sigma = 1, s = 1/2: total variance 1.25.
    np.testing.assert_allclose(found.skip, [0.5, 0.2], rtol=1e-6)
    np.testing.assert_allclose(found.out, [np.sqrt(0.125), 0.5 / np.sqrt(1.25)], rtol=1e-6)
    np.testing.assert_allclose(found.into, [np.sqrt(2), 1 / np.sqrt(1.25)], rtol=1e-6)
    np.testing.assert_allclose(found.noise, [np.log(0.5) / 4, 0], atol=1e-7)
    np.testing.assert_allclose(loss_weight(jnp.array([0.5, 1.0]), 0.5), [8, 5], rtol=1e-6)


def test_the_network_has_inputs_and_targets_of_variance_one_at_every_sigma():
    sigma, s = np.array([0.01, 0.3, 20.0]), 0.4
    factors = preconditioning(jnp.asarray(sigma), s)
    np.testing.assert_allclose(factors.into**2 * (sigma**2 + s**2), 1, rtol=1e-5)
    # The target is (y - c_skip (y + n)) / c_out.
    variance = ((1 - factors.skip) ** 2 * s**2 + factors.skip**2 * sigma**2) / factors.out**2
    np.testing.assert_allclose(variance, 1, rtol=1e-4)


def test_noise_levels_fall_from_80_to_0():
    found = np.asarray(sigma_steps(18))
    assert len(found) == 19 and (np.diff(found) < 0).all()
    np.testing.assert_allclose(found[[0, 17, 18]], [80, 0.002, 0], rtol=1e-4)
    # Equation 5 by hand, a third of the way of four levels.
    by_hand = (80 ** (1 / 7) + (0.002 ** (1 / 7) - 80 ** (1 / 7)) / 3) ** 7
    np.testing.assert_allclose(sigma_steps(4)[1], by_hand, rtol=1e-4)


def gaussian(mean, std):
    """The denoiser of N(mean, std^2), by Bayes."""
    return lambda x, sigma: (std**2 * x + sigma**2 * mean) / (std**2 + sigma**2)


def test_a_gaussian_comes_out_as_the_flow_has_it():
    noise = jnp.asarray(np.random.default_rng(0).standard_normal(2000), jnp.float32)
    # The flow scales the distance from the mean by the ratio of standard deviations, here 0.5 to (80^2 + 0.5^2)^0.5.
    exact = 0.3 + (80 * noise - 0.3) * 0.5 / np.hypot(80, 0.5)
    errors = [
        float(jnp.abs(jax.jit(sample, static_argnums=(0, 2))(gaussian(0.3, 0.5), noise, num) - exact).max())
        for num in (36, 72)
    ]
    # Heun's error falls with the square of the steps, of which a third order would have an eighth, Euler's a half.
    assert errors[1] < 0.01 and 3.5 < errors[0] / errors[1] < 5


def test_what_is_held_is_kept_and_the_rest_is_drawn_given_it():
    """Of two correlated numbers the second is known, and the denoiser is told it: the first is drawn given it."""
    known, noise = 1.5, jnp.asarray(np.random.default_rng(1).standard_normal((2000, 2)), jnp.float32)
    given = gaussian(0.8 * known, 0.6)

    def hold(x, sigma):
        return x.at[:, 1].set(known + sigma * noise[:, 1])

    found = jax.jit(lambda noise: sample(lambda x, s: given(x, s).at[:, 1].set(known), noise, 36, hold))(noise)
    np.testing.assert_array_equal(found[:, 1], np.float32(known))
    assert abs(float(found[:, 0].mean()) - 1.2) < 0.05 and abs(float(found[:, 0].std()) - 0.6) < 0.05
