"""Several devices that share a batch train what one device trains, and the comparison that says so can fail."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.core import keys
from lesion_jax.families.classifier_step import create_classifier_state, make_classifier_step
from lesion_jax.families.gan_step import create_gan_state, make_gan_step
from lesion_jax.models import convolution
from lesion_jax.models.acgan import AuxiliaryDiscriminator, ConditionalGenerator
from lesion_jax.models.cnn import Classifier
from lesion_jax.objectives.gan import non_saturating_loss
from lesion_jax.runtime import parallel
from tests.families.agreement import disagreements, gan_evidence
from tests.families.toys import SIDE, TOYS
from tests.train.tiny import WINDOW, classifier_hyper, gan_hyper, host_batch

pytestmark = pytest.mark.slow

D, B = 4, 8
KEY = keys.stream(0, "replicas")
# It has all that a DCGAN has, and takes the same step. Where a question is not about its layers, toys answer.
ACGAN = ConditionalGenerator(3, width=2, image_size=SIDE), AuxiliaryDiscriminator(3, width=2)
CLASSIFIER = Classifier(num_classes=3, width=4)


def summed(tree):
    """Trap 2 of data parallelism: the gradient of a sum over replicas in place of that of a mean."""
    return jax.lax.psum(tree, parallel.AXIS)


def synchronised(networks):
    return tuple(network.clone(axis_name=parallel.AXIS) for network in networks)


def on_devices(step, state, batch, spread=parallel.over_devices):
    devices = parallel.choose_devices(D, B)
    return spread(step, devices)(parallel.replicate(state, devices), parallel.shard_batch(batch, devices), KEY)


def gan_state(networks):
    state = create_gan_state(*networks, seed=1, image_size=SIDE, latent_size=5, hyper=gan_hyper())

    # A running variance starts at one; beside it a tenth of a batch's small variance would hardly show.
    def without_history(network):
        return network.replace(batch_stats=jax.tree.map(jnp.zeros_like, network.batch_stats))

    return state.replace(networks={name: without_history(network) for name, network in state.networks.items()})


def gan_step(networks, average):
    return make_gan_step(*networks, pair_loss=non_saturating_loss, latent_size=5, window=WINDOW, average=average)


# Compiling takes seconds: each program runs once, and several tests look at what came out.
@functools.cache
def gan_on_devices(networks, average=parallel.average_replicas):
    return on_devices(gan_step(networks, average), gan_state(networks), host_batch(B))


@functools.cache
def gan_of_one_device(networks):
    """The whole batch at once, without a device axis."""
    return gan_evidence(*jax.jit(gan_step(networks, parallel.alone))(gan_state(networks), host_batch(B), KEY))


@functools.cache
def gan_of_one_device_by_shares(networks):
    """One device takes every replica's share in turn; the mean of what it finds."""
    step, state, batch = jax.jit(gan_step(networks, parallel.alone)), gan_state(networks), host_batch(B)
    shares = [jax.tree.map(lambda x, i=i: x[i : i + B // D], batch) for i in range(0, B, B // D)]
    found = [gan_evidence(*step(state, share, KEY)) for share in shares]
    return jax.tree.map(lambda *values: np.mean(values, axis=0), *found)


def classifier_state():
    return create_classifier_state(CLASSIFIER, seed=0, image_size=24, hyper=classifier_hyper())


@functools.cache
def classifier_on_devices(average, spread=parallel.over_devices):
    step = make_classifier_step(CLASSIFIER, window=WINDOW, average=average)
    return on_devices(step, classifier_state(), host_batch(B, side=24), spread)


@functools.cache
def classifier_of_one_device():
    step = jax.jit(make_classifier_step(CLASSIFIER, window=WINDOW, average=parallel.alone))
    return step(classifier_state(), host_batch(B, side=24), KEY)


def paths(tree, part=""):
    """Paths of the leaves that hold a number other than 0, of those with `part` in their path."""
    named = [(jax.tree_util.keystr(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(tree)]
    return {path for path, leaf in named if part in path and np.any(leaf)}


def num_values(tree):
    return len(set(parallel.replica_checksums(tree, parallel.choose_devices(D, B)).tolist()))


def test_with_synchronised_batch_norm_devices_find_what_one_finds():
    state, metrics = gan_on_devices(synchronised(ACGAN))
    assert disagreements(gan_evidence(state, metrics), gan_of_one_device(ACGAN)) == []
    assert num_values((state, metrics)) == 1


def test_with_batch_norm_by_replica_they_find_the_mean_of_their_shares():
    state, metrics = gan_on_devices(TOYS)
    assert disagreements(gan_evidence(state, metrics), gan_of_one_device_by_shares(TOYS)) == []
    assert num_values((state, metrics)) == 1


def test_the_two_kinds_of_batch_norm_are_told_apart():
    wrong = set(disagreements(gan_evidence(*gan_on_devices(TOYS)), gan_of_one_device(TOYS)))
    assert paths(gan_of_one_device(TOYS), "['gradient']") <= wrong
    assert any("loss" in path for path in wrong)


def test_devices_train_the_classifier_that_one_trains_dropout_included():
    found = classifier_on_devices(parallel.average_replicas)
    assert disagreements(found, classifier_of_one_device()) == []
    assert num_values(found) == 1


def test_a_forgotten_average_is_noticed_in_gradients_statistics_and_metrics():
    state, metrics = gan_on_devices(TOYS, parallel.alone)
    want = gan_of_one_device_by_shares(TOYS)
    assert paths(want) <= set(disagreements(gan_evidence(state, metrics), want))
    for part in (state.networks["generator"].params, state.networks["discriminator"].batch_stats, metrics):
        assert num_values(part) == D


def test_a_forgotten_average_is_noticed_in_the_classifier():
    found, want = classifier_on_devices(parallel.alone), classifier_of_one_device()
    assert paths(want, "['classifier']") <= set(disagreements(found, want))
    assert num_values(found) == D


def test_a_sum_in_place_of_the_mean_is_noticed_though_devices_are_equal():
    found, want = classifier_on_devices(summed), classifier_of_one_device()
    assert paths(want, "['classifier']") <= set(disagreements(found, want))
    assert num_values(found) == 1


def test_shard_map_with_checked_axes_would_sum_gradients_before_they_are_averaged(monkeypatch):
    """The step that is right under `over_devices` is too large by the device count under check_vma=True."""
    # Where a gradient with respect to weights is written out, JAX refuses the checked program.
    monkeypatch.setitem(convolution._FORMS, "valid", {})

    def checked(step, devices):
        mesh, spec = jax.sharding.Mesh(np.array(devices), (parallel.AXIS,)), jax.sharding.PartitionSpec

        def of_replica(state, batch, key):
            return step(state, jax.tree.map(lambda x: x[0], batch), key)

        specs = {"in_specs": (spec(), spec(parallel.AXIS), spec()), "out_specs": (spec(), spec())}
        return jax.jit(jax.shard_map(of_replica, mesh=mesh, **specs, check_vma=True))

    found, want = classifier_on_devices(parallel.average_replicas, checked), classifier_of_one_device()
    assert paths(want, "['classifier']") <= set(disagreements(found, want))
    # SGD's trace is, after one step, the gradient.
    by_count = jax.tree.map(lambda trace: trace / D, found[0].networks["classifier"].opt_state)
    assert disagreements(by_count, want[0].networks["classifier"].opt_state) == []
