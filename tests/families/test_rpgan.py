"""The relativistic GAN's losses, penalties and schedules against hand values, and its step on several devices."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.config import DataConfig
from lesion_jax.core import keys
from lesion_jax.families import FAMILIES, RpganConfig
from lesion_jax.families.rpgan_step import create_rpgan_state, make_rpgan_step, scheduled
from lesion_jax.models.residual import Residual, resample, resampling
from lesion_jax.objectives.gan import relativistic_loss
from lesion_jax.runtime import parallel
from tests.families.agreement import disagreements
from tests.train.tiny import WINDOW, host_batch

B, SIDE = 8, 16
KEY = keys.stream(0, "rpgan")


def test_the_losses_look_at_differences_alone():
    on_d, on_g = relativistic_loss(jnp.array([0.0, 3.0, 1000.0]), jnp.array([0.0, 1.0, -1000.0]))
    np.testing.assert_allclose(on_d, [np.log(2), np.log(1 + np.exp(-2)), 0], rtol=1e-5)
    np.testing.assert_allclose(on_g, [np.log(2), np.log(1 + np.exp(2)), 2000], rtol=1e-5)


def test_schedules_go_by_half_a_cosine_from_the_first_value_to_the_final_one():
    hyper = {"num_steps": 8, "learning_rate": 4.0, "final_learning_rate": 1.0, "beta2": 0.9, "final_beta2": 0.99}
    hyper |= {"gamma": 2.0, "final_gamma": 0.2, "augment_probability": 0.4}
    rows = [scheduled(hyper, jnp.int32(step)) for step in (0, 2, 4, 8)]
    done = np.array([0, 0.5 - np.sqrt(0.5) / 2, 0.5, 1])
    for name, first, final in (
        ("learning_rate", 4.0, 1.0),
        ("beta2", 0.9, 0.99),
        ("gamma", 2.0, 0.2),
        ("augment_probability", 0.0, 0.4),
    ):
        np.testing.assert_allclose([row[name] for row in rows], first + done * (final - first), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("up", [True, False])
def test_resampling_keeps_a_ramp_and_is_the_same_from_both_ends(up):
    matrix = resampling(8, up=up)
    np.testing.assert_allclose(matrix.sum(1), 1, rtol=1e-6)
    np.testing.assert_array_equal(matrix, matrix[::-1, ::-1])
    # Positions of new pixels in old ones; the repeated edges are wrong by design.
    want = (np.arange(len(matrix)) + 0.5) * (0.5 if up else 2) - 0.5
    np.testing.assert_allclose((matrix @ np.arange(8))[1:-1], want[1:-1], rtol=1e-6)


class _Paint(nn.Module):
    """A generator of one weight: every pixel is it."""

    @nn.compact
    def __call__(self, z, labels, *, train):
        return jnp.broadcast_to(self.param("level", nn.initializers.ones, ()) * 0.5, (len(z), SIDE, SIDE, 1))


class _Plane(nn.Module):
    """A discriminator whose slope is its weight at every pixel of class 0, twice that of class 1."""

    @nn.compact
    def __call__(self, x, labels):
        return self.param("slope", nn.initializers.ones, ()) * 0.1 * (1 + labels) * x.sum((1, 2, 3))


def hyper(**changes):
    settings = {"learning_rate": 1e-3, "beta2": 0.9, "gamma": 3.0, "augment_probability": 0.0, "ema_images": 0.0}
    settings |= {"augment_shift": 0.1, "augment_cutout": 0.5, "augment_offset": 10.0} | changes
    settings |= {f"final_{name}": settings[name] for name in ("learning_rate", "beta2", "gamma")}
    return {name: jnp.float32(value) for name, value in settings.items()} | {"num_steps": jnp.int32(10)}


def test_a_step_of_two_planes_has_the_gradients_that_one_computes_by_hand():
    state = create_rpgan_state(_Paint(), _Plane(), SIDE, 2, jnp.int32(0), hyper())
    settings = {"latent_size": 2, "window": WINDOW, "batch_size": 2, "average": parallel.alone}
    batch = {"pixels": np.full((2, SIDE, SIDE), 90, np.int16), "label": np.array([0, 1]), "index": np.arange(2)}
    new, metrics = jax.jit(make_rpgan_step(_Paint(), _Plane(), **settings))(state, batch, KEY)
    # Real pixels are 0.25, generated ones 0.5; 256 of them; slopes 0.1 and 0.2.
    slope, num = np.array([0.1, 0.2]), SIDE * SIDE
    apart = slope * num * (0.25 - 0.5)
    on_d, pull = np.log1p(np.exp(-apart)), 1 / (1 + np.exp(apart))
    squares = num * slope**2
    np.testing.assert_allclose(metrics["loss/discriminator"], on_d.mean(), rtol=1e-5)
    np.testing.assert_allclose(metrics["loss/generator"], (on_d + apart).mean(), rtol=1e-5)
    np.testing.assert_allclose(metrics["penalty/real"], squares.mean(), rtol=1e-5)
    np.testing.assert_allclose(metrics["penalty/fake"], squares.mean(), rtol=1e-5)
    # gamma / 2 of two penalties, whose derivative with respect to the weight 1 is twice each; Adam with beta 1 of 0
    # holds the gradient.
    wanted_d = (-pull * apart + 3 * 2 * squares).mean()
    wanted_g = ((pull - 1) * slope * num * 0.5).mean()
    (on_d,), (on_g,) = (jax.tree.leaves(new.networks[n].opt_state[0].mu) for n in ("discriminator", "generator"))
    np.testing.assert_allclose([on_d, on_g], [wanted_d, wanted_g], rtol=1e-5)


class _Draw(nn.Module):
    """A small generator that uses all that it is given."""

    @nn.compact
    def __call__(self, z, labels, *, train):
        return nn.Dense(SIDE * SIDE)(jnp.concatenate([z, jax.nn.one_hot(labels, 3)], -1)).reshape(-1, SIDE, SIDE, 1)


class _Judge(nn.Module):
    """A small discriminator whose slopes depend on the image."""

    @nn.compact
    def __call__(self, x, labels):
        return jnp.sum(jnp.tanh(nn.Dense(3)(x.reshape(len(x), -1))) * jax.nn.one_hot(labels, 3), -1)


@pytest.mark.slow
def test_devices_find_what_one_finds():
    networks, devices = (_Draw(), _Judge()), parallel.choose_devices(4, B)
    state = create_rpgan_state(*networks, SIDE, 5, jnp.int32(0), hyper(augment_probability=0.8))
    # In the middle of the training, so that images are augmented.
    state = jax.device_get(state.replace(step=jnp.int32(5)))

    def step(average):
        return make_rpgan_step(*networks, latent_size=5, window=WINDOW, batch_size=B, average=average)

    want = jax.jit(step(parallel.alone))(state, host_batch(B), KEY)
    spread = parallel.over_devices(step(parallel.average_replicas), devices)
    found = spread(parallel.replicate(state, devices), parallel.shard_batch(host_batch(B), devices), KEY)
    assert disagreements(evidence(*found), evidence(*want)) == []
    assert float(want[1]["penalty/fake"]) > 0


def evidence(state, metrics):
    return {"gradient": {name: net.opt_state[0].mu for name, net in state.networks.items()}, "metrics": metrics}


@pytest.mark.slow
def test_a_second_order_gradient_is_that_of_finite_differences():
    block, noise = Residual(1), np.random.default_rng(1)
    x = jnp.asarray(noise.standard_normal((1, 4, 4, 3)), jnp.float32)
    before = block.init(jax.random.key(0), x)
    params, direction = (
        jax.tree.map(lambda leaf: jnp.asarray(noise.standard_normal(leaf.shape), jnp.float32), before) for _ in range(2)
    )

    @jax.jit
    def penalty(params):
        slopes = jax.grad(lambda x: jnp.sum(jnp.tanh(resample(block.apply(params, x), up=False) / 8)))(x)
        return jnp.sum(jnp.square(slopes))

    size = 1e-3
    ends = [jax.tree.map(lambda p, d, s=sign: p + s * size * d, params, direction) for sign in (1, -1)]
    found = sum(map(jnp.vdot, *map(jax.tree.leaves, (jax.jit(jax.grad(penalty))(params), direction))))
    np.testing.assert_allclose(found, (penalty(ends[0]) - penalty(ends[1])) / (2 * size), rtol=2e-2)


@pytest.mark.slow
def test_the_networks_use_all_they_are_given_and_products_are_convolutions():
    data = DataConfig(image_size=SIDE, batch_size=B, window=WINDOW)
    config = RpganConfig(width=2, discriminator_width=2, num_blocks=1, latent_size=5, data=data)
    program, noise = FAMILIES["rpgan"].make_program(config, 3), np.random.default_rng(0)
    # Any numbers will do: what they are drawn by takes longer to compile than the networks.
    state = jax.eval_shape(lambda: FAMILIES["rpgan"].init_state(config, program, None))
    params = {
        name: {"params": jax.tree.map(lambda x: (0.3 * noise.standard_normal(x.shape)).astype(x.dtype), net.params)}
        for name, net in state.networks.items()
    }

    @functools.partial(jax.jit, static_argnums=0)
    def run(program, params, z, labels):
        images = program.generator.apply(params["generator"], z, labels, train=True)
        return images[..., 0], program.discriminator.apply(params["discriminator"], images, labels)

    z, labels = noise.uniform(-1, 1, (2, 5)).astype(np.float32)[[0, 1, 0]], np.array([0, 0, 1])
    images, logits = run(program, params, z, labels)
    other_latent, other_class = (np.abs(images[i] - images[0]).max() for i in (1, 2))
    assert min(other_latent, other_class) > 0.01 and np.unique(np.round(logits, 4)).size == 3
    for found, want in zip(run(program.as_products(), params, z, labels), (images, logits), strict=True):
        np.testing.assert_allclose(found, want, rtol=1e-4, atol=1e-5)
