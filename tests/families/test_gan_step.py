import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.core import keys
from lesion_jax.core.intensity import to_signed
from lesion_jax.families.gan_step import create_gan_state, make_gan_step
from lesion_jax.objectives.gan import PAIR_LOSSES
from lesion_jax.runtime import parallel
from tests.families.toys import TOYS
from tests.train.tiny import WINDOW, gan_hyper, host_batch

KEY = keys.stream(0, "gan")


def create(networks, **changes):
    return create_gan_state(*networks, seed=1, image_size=16, latent_size=5, hyper=gan_hyper(**changes))


def make(networks, loss="non_saturating"):
    return make_gan_step(*networks, pair_loss=PAIR_LOSSES[loss], latent_size=5, window=WINDOW, average=parallel.alone)


@functools.cache
def compiled(networks):
    """Its tests take the same step; it is traced and compiled for the first of them."""
    return jax.jit(make(networks))


def equal(a, b):
    return all(np.array_equal(x, y) for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True))


@pytest.mark.slow
def test_one_step_equals_two_textbook_gradients():
    """What Adam is given must be jax.grad of each player's loss, written out with sigmoids."""
    generator, discriminator = TOYS
    state, batch = create(TOYS), host_batch(4)
    z = keys.latents(keys.per_example(keys.at_step(KEY, 0), batch["index"]), 5)
    real = to_signed(jnp.asarray(batch["pixels"]), WINDOW)[..., None]

    def logits(params_d, params_g):
        fake, _ = generator.apply(
            {"params": params_g, "batch_stats": state.networks["generator"].batch_stats},
            z,
            batch["label"],
            train=True,
            mutable=["batch_stats"],
        )
        variables = {"params": params_d, "batch_stats": state.networks["discriminator"].batch_stats}
        on_real, _ = discriminator.apply(variables, real, train=True, mutable=["batch_stats"])
        on_fake, _ = discriminator.apply(variables, fake, train=True, mutable=["batch_stats"])
        return on_real, on_fake

    def class_loss(class_logits):
        return -jnp.mean(jnp.log(jax.nn.softmax(class_logits)[jnp.arange(4), batch["label"]]))

    def loss_d(params_d):
        (source, classes), (fake_source, fake_classes) = logits(params_d, state.networks["generator"].params)
        likelihood = jnp.log(jax.nn.sigmoid(source)) + jnp.log(1 - jax.nn.sigmoid(fake_source))
        return -jnp.mean(likelihood) + class_loss(classes) + class_loss(fake_classes)

    def loss_g(params_g):
        _, (fake_source, fake_classes) = logits(state.networks["discriminator"].params, params_g)
        return -jnp.mean(jnp.log(jax.nn.sigmoid(fake_source))) + class_loss(fake_classes)

    new, metrics = compiled(TOYS)(state, batch, KEY)
    losses = {"discriminator": loss_d, "generator": loss_g}
    params = {name: state.networks[name].params for name in losses}
    expected = jax.jit(lambda params: {n: jax.value_and_grad(loss)(params[n]) for n, loss in losses.items()})(params)
    for name, (value, grads) in expected.items():
        np.testing.assert_allclose(metrics[f"loss/{name}"], value, rtol=1e-5)
        # Adam's first moment after one step is (1 - beta1) times the gradient that it was given.
        moment = new.networks[name].opt_state[0].mu
        for want, got in zip(jax.tree.leaves(grads), jax.tree.leaves(moment), strict=True):
            np.testing.assert_allclose(got / 0.5, want, rtol=2e-3, atol=2e-5 * max(1.0, float(abs(want).max())))


@pytest.mark.parametrize("player", ["generator", "discriminator"])
def test_a_player_with_a_period_is_updated_only_when_due(player):
    other = {"generator": "discriminator", "discriminator": "generator"}[player]
    state, step = create(TOYS, **{f"{player}_every": 2}), compiled(TOYS)
    changed = []
    for seed in range(4):
        new, _ = step(state, host_batch(4, seed=seed), KEY)
        changed.append(not equal(new.networks[player], state.networks[player]))
        assert not equal(new.networks[other].params, state.networks[other].params)
        state = new
    assert changed == [True, False, True, False]


def test_ema_is_the_textbook_average_and_the_generator_itself_at_decay_zero():
    batch, step = host_batch(4), compiled(TOYS)
    state = create(TOYS, ema_decay=0.9)
    new, _ = step(state, batch, KEY)
    want = jax.tree.map(
        lambda old, now: 0.9 * old + 0.1 * now, state.ema["generator"], new.networks["generator"].variables
    )
    for a, b in zip(jax.tree.leaves(want), jax.tree.leaves(new.ema["generator"]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    new, _ = step(create(TOYS), batch, KEY)
    assert equal(new.ema["generator"], new.networks["generator"].variables)


def test_changing_a_hyper_parameter_never_retraces():
    traces = []
    inner = make(TOYS)

    @jax.jit
    def step(state, batch, key):
        traces.append(1)
        return inner(state, batch, key)

    for changes in ({}, {"learning_rate": 1e-3}, {"beta1": 0.0, "label_smoothing": 0.1}, {"generator_every": 2}):
        step(create(TOYS, **changes), host_batch(4), KEY)
    assert len(traces) == 1


def test_the_seed_decides_the_weights():
    first, second = create(TOYS), create(TOYS)
    assert equal(first, second)
    other = create_gan_state(*TOYS, seed=2, image_size=16, latent_size=5, hyper=gan_hyper())
    assert not equal(first.networks["generator"].params, other.networks["generator"].params)


@pytest.mark.parametrize("loss", ["minimax", "hinge", "least_squares"])
def test_other_losses_train(loss):
    state, metrics = jax.jit(make(TOYS, loss=loss))(create(TOYS), host_batch(4), KEY)
    assert all(np.isfinite(float(m)) for m in metrics.values())
    assert not equal(state.networks["generator"].params, create(TOYS).networks["generator"].params)
