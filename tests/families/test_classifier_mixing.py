import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from lesion_jax.families.classifier_mixing import mix, neighbours, symmetric_beta

KEYS = jax.random.split(jax.random.key(0), 6)
IMAGES = np.random.default_rng(0).normal(size=(6, 8, 8)).astype(np.float32)


def mixed(kind, **options):
    """`mix` of them, as one program: (images, shares)."""
    return map(np.asarray, jax.jit(functools.partial(mix, kind=kind))(IMAGES, KEYS, alpha=jnp.float32(1.0), **options))


@jax.jit
def draw(keys, alpha):
    return jax.vmap(lambda key: symmetric_beta(key, alpha))(keys)


def test_neighbours_are_pairs():
    assert neighbours(jnp.arange(6)).tolist() == [1, 0, 3, 2, 5, 4]


@pytest.mark.parametrize("alpha", [0.02, 0.2, 1.0, 4.0])
def test_shares_are_of_the_beta_distribution(alpha):
    keys = jax.random.split(jax.random.key(1), 4000)
    drawn = np.asarray(draw(keys, jnp.float32(alpha)))
    assert np.isfinite(drawn).all() and drawn.min() >= 0 and drawn.max() <= 1
    # Not nearer to the ends, where float32 cannot tell numbers apart.
    for at in (0.001, 0.1, 0.3, 0.5, 0.8, 0.99):
        expected = stats.beta(alpha, alpha).cdf(at)
        assert (drawn <= at).mean() == pytest.approx(expected, abs=3.5 * np.sqrt(expected * (1 - expected) / 4000))


def test_mixup_is_the_average_that_its_shares_say():
    found, share = mixed("mixup")
    for i in range(6):
        expected = share[i] * IMAGES[i] + (1 - share[i]) * IMAGES[i ^ 1]
        np.testing.assert_allclose(found[i], expected, atol=1e-6)
    assert len(set(share.tolist())) == 6


def test_cutmix_takes_one_box_of_the_neighbour_and_says_how_much_is_left():
    found, share = mixed("cutmix")
    for i in range(6):
        own = found[i] == IMAGES[i]
        np.testing.assert_array_equal(found[i][~own], IMAGES[i ^ 1][~own])
        assert float(share[i]) == pytest.approx(own.mean())
        rows, columns = np.flatnonzero(~own.all(1)), np.flatnonzero(~own.all(0))
        assert (~own).sum() == len(rows) * len(columns)
        assert (np.diff(rows) == 1).all() and (np.diff(columns) == 1).all()
    assert 0 < float(share.min()) < 1


@pytest.mark.parametrize("kind", ["cutmix", "genmix"])
def test_where_it_is_off_images_are_left_alone(kind):
    found, share = mixed(kind, is_on=jnp.asarray(False))
    np.testing.assert_array_equal(found, IMAGES)
    assert share.tolist() == [1.0] * 6
