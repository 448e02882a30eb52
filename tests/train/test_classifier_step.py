import jax
import jax.numpy as jnp
import numpy as np

from lesion_jax.core import keys, parallel
from lesion_jax.core.state import ClassifierHyper
from lesion_jax.models.cnn import Classifier
from lesion_jax.train.classifier_step import create_classifier_state, make_classifier_step
from tests.train.tiny import WINDOW, host_batch

CLASSIFIER = Classifier(num_classes=3, width=4, dtype=jnp.float32)
KEY = keys.stream(0, "classifier")


def create(learning_rate=0.05):
    hyper = ClassifierHyper(learning_rate=jnp.float32(learning_rate), momentum=jnp.float32(0.9), mean=jnp.float32(0.4))
    return create_classifier_state(CLASSIFIER, seed=0, image_size=24, hyper=hyper)


def trained(num_devices, num_steps=5, average=parallel.average_replicas):
    devices = parallel.choose_devices(num_devices, 8)
    step = parallel.over_devices(make_classifier_step(CLASSIFIER, window=WINDOW, average=average), devices)
    state = parallel.replicate(create(), devices)
    for seed in range(num_steps):
        batch = parallel.shard_batch(host_batch(8, side=24, seed=seed), devices)
        state, metrics = step(state, batch, KEY)
    return state, metrics


def test_four_replicas_train_what_one_trains_dropout_included():
    one, four = trained(1), trained(4)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(four), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_replicas_hold_the_same_bits_and_drift_without_the_average():
    def drifted(state):
        return [
            leaf
            for leaf in jax.tree.leaves(state)
            if any(not np.array_equal(leaf.addressable_shards[0].data, s.data) for s in leaf.addressable_shards)
        ]

    assert drifted(trained(4)) == []
    assert drifted(trained(4, average=parallel.alone))


def test_the_loss_falls_on_a_batch_that_is_shown_again_and_again():
    step = jax.jit(make_classifier_step(CLASSIFIER, window=WINDOW, average=parallel.alone))
    state, batch = create(), host_batch(16, side=24)
    losses = []
    for _ in range(80):
        state, metrics = step(state, batch, KEY)
        losses.append(float(metrics["loss/cross_entropy"]))
    assert losses[-1] < 0.5 * losses[0]


def test_dropout_differs_from_step_to_step():
    step = jax.jit(make_classifier_step(CLASSIFIER, window=WINDOW, average=parallel.alone))
    state, batch = create(learning_rate=1e-30), host_batch(16, side=24)
    state, first = step(state, batch, KEY)
    _, second = step(state, batch, KEY)
    assert float(first["loss/cross_entropy"]) != float(second["loss/cross_entropy"])
