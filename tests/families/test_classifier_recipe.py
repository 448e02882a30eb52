"""What a recipe adds to the classifier's step."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lesion_jax.config import DataConfig, LoopConfig
from lesion_jax.core import keys
from lesion_jax.core.state import Network
from lesion_jax.core.types import Images
from lesion_jax.data.training_images import TrainingImages, make_schedule
from lesion_jax.families import FAMILIES, ClassifierConfig
from lesion_jax.families.classifier_recipe import (
    Recipe,
    averaged,
    initial_average,
    label_shares,
    learning_rate,
    optimizer,
)
from lesion_jax.families.classifier_step import create_classifier_state, make_classifier_step
from lesion_jax.models.cnn import Classifier
from lesion_jax.runtime import parallel
from tests.train.tiny import WINDOW, classifier_hyper, host_batch

NETWORK = Classifier(num_classes=3, width=2)
NAMES = ("cyst", "metastasis", "hemangioma")


def test_a_cosine_falls_to_nothing_and_fine_tuning_has_its_own_factor():
    hyper = {"learning_rate": jnp.float32(0.2), "num_steps": jnp.int32(100)}
    expected = optax.cosine_decay_schedule(0.2, 100)
    for step in (0, 25, 99, 100):
        found = learning_rate(Recipe(learning_rate_schedule="cosine"), hyper, jnp.int32(step))
        assert float(found) == pytest.approx(float(expected(step)), abs=1e-7)
    hyper |= {"fine_tuning_rate": jnp.float32(0.1), "synthetic_steps": jnp.int32(60)}
    rates = [float(learning_rate(Recipe(("fine_tuning_rate",)), hyper, jnp.int32(step))) for step in (59, 60)]
    assert rates == pytest.approx([0.2, 0.02])


def test_weight_decay_joins_the_gradient_before_the_momentum():
    hyper = classifier_hyper() | {"weight_decay": jnp.float32(0.01)}
    weight, gradient = {"w": jnp.array([2.0, -3.0])}, {"w": jnp.array([0.5, 0.25])}
    sgd = optimizer(Recipe(("weight_decay",)), hyper)
    update, _ = sgd.update(gradient, sgd.init(weight), weight)
    # Nesterov's first update is (1 + momentum) times the gradient, at a rate of 0.05.
    np.testing.assert_allclose(update["w"], -0.05 * 1.9 * np.array([0.5 + 0.02, 0.25 - 0.03]), rtol=1e-6)


def test_the_average_follows_the_weights_and_forgets_the_initial_ones():
    network, hyper = Network({"w": jnp.array([4.0])}, {}, ()), {"ema_decay": jnp.float32(0.5)}
    start = initial_average(Recipe(("ema_decay",)), network.replace(params={"w": jnp.array([2.0])}))
    first, later = (averaged(start, network, hyper, jnp.int32(step)) for step in (0, 1000))
    # The decay is at most 1 / 10 at first.
    assert float(first["classifier"]["params"]["w"][0]) == pytest.approx(0.1 * 2 + 0.9 * 4)
    assert float(later["classifier"]["params"]["w"][0]) == pytest.approx(0.5 * 2 + 0.5 * 4)
    assert initial_average(Recipe(), network) == {} == averaged({}, network, hyper, jnp.int32(0))


def images_of(config, labels, num_real, real=-160, synthetic=240):
    pixels = np.full((len(labels), 32, 32), real, np.int16)
    pixels[num_real:] = synthetic
    labels = np.array(labels, np.int32)
    schedule = make_schedule(config, num_real, len(labels) - num_real, labels[:num_real])
    found = Images(pixels, labels)
    return TrainingImages(found, num_real, (), schedule, found[:0], "HU", NAMES, {})


def mixing(**changes):
    data = DataConfig(dataset="x", image_size=32, batch_size=8, window=WINDOW, banks=("b",), synthetic_size=3)
    data = dataclasses.replace(data, **{name: changes.pop(name) for name in dict(changes) if hasattr(data, name)})
    config = ClassifierConfig(width=2, data=data, loop=LoopConfig(duration="40 steps"), **changes)
    config.check()
    return config


LABELS = [0, 0, 0, 0, 0, 0, 1, 1, 2, *[0, 1, 2] * 3]


def test_the_subtracted_mean_is_of_real_images_alone():
    config, family = mixing(), FAMILIES["classifier"]
    images = images_of(config, LABELS, 9)
    state = family.init_state(config, family.make_program(config, 3), images)
    assert float(state.hyper["mean"]) == 0 and images.images.pixels.max() == 240


def test_the_prior_is_what_a_step_sees():
    real, joint = np.array([6, 2, 1]) / 9, np.array([9, 5, 4]) / 18
    np.testing.assert_allclose(label_shares(images_of(mixing(), LABELS, 9)), joint)
    np.testing.assert_allclose(label_shares(images_of(mixing(synthetic_until=0.6), LABELS, 9)), real)
    np.testing.assert_allclose(label_shares(images_of(mixing(synthetic_share=0.25), LABELS, 9)), 0.75 * real + 0.25 / 3)
    # A class without an image has no logarithm of its own.
    assert label_shares(images_of(mixing(), [0] * 9 + [1] * 3, 9)).min() > 0


def test_a_state_knows_the_length_and_the_prior_where_it_needs_them():
    config, family = (
        mixing(learning_rate_schedule="cosine", logit_adjustment=1.0, synthetic_until=0.6),
        FAMILIES["classifier"],
    )
    hyper = family.init_state(config, family.make_program(config, 3), images_of(config, LABELS, 9)).hyper
    assert int(hyper["num_steps"]) == 40 and "synthetic_steps" not in hyper
    np.testing.assert_allclose(hyper["log_prior"], np.log(np.array([6, 2, 1]) / 9), rtol=1e-6)
    config = mixing(synthetic_until=0.6, fine_tuning_rate=0.1)
    hyper = family.init_state(config, family.make_program(config, 3), images_of(config, LABELS, 9)).hyper
    assert int(hyper["synthetic_steps"]) == 24 and "num_steps" not in hyper


@pytest.mark.slow
def test_devices_train_what_one_trains_whatever_a_recipe_draws():
    recipe = Recipe(("ema_decay", "input_scale", "logit_adjustment", "weight_decay"), "cosine", "cutmix", "jitter")
    hyper = classifier_hyper() | {"num_steps": jnp.int32(10), "log_prior": jnp.log(jnp.array([0.2, 0.3, 0.5]))}
    values = {"ema_decay": 0.5, "input_scale": 4, "logit_adjustment": 1, "weight_decay": 1e-3, "mixing_alpha": 1}
    values |= {"intensity_offset": 15, "intensity_noise": 10, "intensity_blur": 1}
    hyper |= {name: jnp.float32(value) for name, value in values.items()}
    state = create_classifier_state(NETWORK, seed=0, image_size=24, hyper=hyper, recipe=recipe)
    batch, key, devices = host_batch(8, side=24), keys.stream(0, "classifier"), parallel.choose_devices(4, 8)

    def step(average):
        return make_classifier_step(NETWORK, window=WINDOW, average=average, recipe=recipe)

    one = jax.jit(step(parallel.alone))(state, batch, key)
    # The tolerance below is no cover: another key draws other pairs and strengths.
    other = jax.jit(step(parallel.alone))(state, batch, keys.stream(1, "classifier"))
    assert abs(float(other[1]["loss/cross_entropy"] - one[1]["loss/cross_entropy"])) > 1e-3
    spread = parallel.over_devices(step(parallel.average_replicas), devices)
    several = spread(parallel.replicate(state, devices), parallel.shard_batch(batch, devices), key)
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5), several, one)
