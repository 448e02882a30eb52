import dataclasses
import json

import pytest

from lesion_jax.errors import Preempted
from lesion_jax.io.progress import Progress
from lesion_jax.runtime import parallel, preemption
from lesion_jax.runtime.population import PACKINGS
from lesion_jax.train import run
from lesion_jax.train.run import train
from lesion_jax.train.training import Training
from tests.train.population import assert_same_run, train_all
from tests.train.tiny import cohort, configs

# Every packing of every kind of network is compiled.
pytestmark = pytest.mark.slow

# The loop, the slots and the packings know no family; tests/families/test_gan.py has a GAN as products.
CLASSIFIER = dataclasses.replace(configs()["classifier"], num_devices=1)


@pytest.fixture(scope="module")
def tiny():
    return cohort()


def varied(config):
    """Three members that differ in seed, fold, learning rate and length.

    A few steps: jumps at the kinks of activations add up.
    """
    for i in range(3):
        data = dataclasses.replace(config.data, fold=i)
        loop = dataclasses.replace(config.loop, duration=f"{4 + (i == 1)} steps", evaluate_every="2 steps")
        yield dataclasses.replace(config, seed=i, learning_rate=1e-4 * (1 + i), data=data, loop=loop)


@pytest.fixture(scope="module")
def alone(tiny, tmp_path_factory):
    """Directory of the members trained one by one."""
    root = tmp_path_factory.mktemp("alone")
    for i, member in enumerate(varied(CLASSIFIER)):
        train(member, root / str(i), cohort=tiny)
    return root


@pytest.mark.parametrize("num_devices", [1, 2])
def test_one_per_device_gives_the_bits_of_training_alone(num_devices, alone, tiny, tmp_path):
    assert not train_all(varied(CLASSIFIER), tmp_path, tiny, num_devices)
    for one in alone.iterdir():
        # A program for two devices may round otherwise than one for one.
        assert_same_run(one, tmp_path / one.name, exact=num_devices == 1)


@pytest.mark.parametrize("num_devices", [1, 2])
def test_images_that_lie_on_the_devices_train_as_those_that_are_streamed(num_devices, alone, tiny, tmp_path):
    member = dataclasses.replace(next(varied(CLASSIFIER)), num_devices=num_devices)
    streamed = dataclasses.replace(member, data=dataclasses.replace(member.data, feed="stream"))
    train(streamed, tmp_path / "streamed", cohort=tiny)
    resident = alone / "0"
    if num_devices > 1:
        resident = tmp_path / "resident"
        train(member, resident, cohort=tiny)
    assert_same_run(resident, tmp_path / "streamed", exact=False)


@pytest.mark.parametrize("packing", [packing for packing in PACKINGS if packing != "one"])
def test_packed_members_are_those_trained_alone(packing, alone, tiny, tmp_path):
    # Three members, two at once on a device: one waits for a slot.
    assert not train_all(varied(CLASSIFIER), tmp_path, tiny, packing=packing, slots_per_device=2)
    for one in alone.iterdir():
        assert_same_run(one, tmp_path / one.name, exact=False)


def test_a_member_that_diverges_is_marked_and_the_others_go_on(alone, tiny, tmp_path):
    members = list(varied(CLASSIFIER))
    members[1] = dataclasses.replace(members[1], learning_rate=1e30)
    failed = train_all(members, tmp_path, tiny, packing="vmap", slots_per_device=2)
    assert list(failed) == [1] and "Step" in str(failed[1])
    assert json.loads((tmp_path / "1" / "FAILED").read_text())["reason"] == str(failed[1])
    assert not (tmp_path / "1" / "checkpoints").exists() or not list((tmp_path / "1" / "checkpoints").iterdir())
    for i in (0, 2):
        assert_same_run(alone / str(i), tmp_path / str(i), exact=False)


@pytest.mark.parametrize("packing", ["one", "vmap"])
def test_an_interrupted_population_carries_on_and_ends_alike(packing, tiny, tmp_path, monkeypatch):
    options = {"packing": packing, "slots_per_device": 1 if packing == "one" else 2}
    train_all(varied(CLASSIFIER), tmp_path / "whole", tiny, **options)
    calls = iter(range(100))
    monkeypatch.setattr(preemption, "requested", lambda: next(calls) == 3)
    with pytest.raises(Preempted):
        train_all(varied(CLASSIFIER), tmp_path / "broken", tiny, **options)
    # One of them goes on alone, as any single run; the rest together.
    monkeypatch.setattr(preemption, "requested", lambda: False)
    if packing == "one":
        train(list(varied(CLASSIFIER))[0], tmp_path / "broken" / "0", cohort=tiny)
    again = [config for i, config in enumerate(varied(CLASSIFIER)) if packing == "vmap" or i]
    train_all(again, tmp_path / "broken", tiny, **options)
    for i in range(3):
        assert_same_run(tmp_path / "whole" / str(i), tmp_path / "broken" / str(i), exact=True)


@pytest.mark.parametrize("packing", ["one", "vmap"])
def test_a_slot_that_a_stop_rule_frees_is_taken(packing, tiny, tmp_path, monkeypatch):
    def rule(scored):
        return {position: "not good enough" for position, done, _ in scored if position == 0 and done == 2}

    skipped = []
    monkeypatch.setattr(Progress, "skip", lambda self, count: skipped.append(count))
    train_all(varied(CLASSIFIER), tmp_path, tiny, packing=packing, slots_per_device=2, stop_rule=rule)
    assert json.loads((tmp_path / "0" / "DONE").read_text())["stopped"] == "not good enough"
    steps = [json.loads((tmp_path / str(i) / "DONE").read_text())["steps"] for i in range(3)]
    assert steps == [2, 5, 4]
    # What nobody takes: two of the four of the first.
    assert sum(skipped) == 2


def test_images_lie_on_the_devices_only_where_they_fit(tiny, monkeypatch):
    def found(feed, memory=2**30):
        monkeypatch.setattr(parallel, "memory_bytes", lambda device: memory)
        data = dataclasses.replace(CLASSIFIER.data, feed=feed)
        config = dataclasses.replace(CLASSIFIER, data=data)
        return not run._is_streamed(Training.prepare(config, tiny, num_devices=1, cache_dir=None))

    assert found("auto") and found("resident", memory=0)
    with monkeypatch.context() as other_hosts:
        # They have no room, or are asked to stream.
        other_hosts.setattr(run.processes, "agree", lambda text: text == "False")
        assert not found("auto") and not found("resident") and not found("stream")
    assert not found("auto", memory=1000) and not found("stream")
