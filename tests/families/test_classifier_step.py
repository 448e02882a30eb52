import jax
import jax.numpy as jnp

from lesion_jax.core import keys
from lesion_jax.families.classifier_step import create_classifier_state, make_classifier_step
from lesion_jax.models.cnn import Classifier
from lesion_jax.runtime import parallel
from tests.train.tiny import WINDOW, classifier_hyper, host_batch

CLASSIFIER = Classifier(num_classes=3, width=4, dtype=jnp.float32)
KEY = keys.stream(0, "classifier")


def create(learning_rate=0.05):
    hyper = classifier_hyper(learning_rate)
    return create_classifier_state(CLASSIFIER, seed=0, image_size=24, hyper=hyper)


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
