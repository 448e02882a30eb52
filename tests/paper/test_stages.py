import dataclasses
from pathlib import Path

import pytest

from lesion_jax.paper import stages
from lesion_jax.paper.arms import ARMS, Arm
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.layout import Trainings

NAMES = ("cyst", "metastasis", "hemangioma")


def trainings(**changes):
    return Trainings(PaperConfig(**changes), Path("/w"), Path("/d"), NAMES, 3)


def counts(**changes):
    return stages.counts(trainings(**changes))


def test_counts_are_the_papers():
    # Section 6: nine classic sizes and six synthetic sizes of two generators on three folds; nine DCGANs, three ACGANs.
    assert counts() == {"classifier": 3 * (9 + 12), "dcgan": 9, "acgan": 3}
    assert counts(seeds=(0, 1))["dcgan"] == 18


def test_arms_that_are_not_asked_for_cost_nothing():
    assert counts(arms=("none", "classic")) == {"classifier": 27}
    assert counts(arms=("none", "classic", "acgan_discriminator")) == {"classifier": 27, "acgan": 3}


def test_an_arm_that_changes_a_field_is_trained_at_every_size(monkeypatch):
    monkeypatch.setitem(ARMS, "new", Arm("new", "New", "#E69F00", "P", changes={"momentum": 0.5}))
    assert counts(arms=("classic", "new")) == {"classifier": 2 * 27}
    # One that chooses nothing is trained at the baseline's size alone.
    monkeypatch.setitem(ARMS, "new", dataclasses.replace(ARMS["new"], chosen=()))
    assert counts(arms=("classic", "new")) == {"classifier": 27 + 3}
    monkeypatch.setitem(ARMS, "new", dataclasses.replace(ARMS["new"], changes={}))
    assert counts(arms=("classic", "new")) == {"classifier": 27}


def test_arms_that_differ_in_mixing_alone_share_everything_else(monkeypatch):
    mixing = {"data.synthetic_share": 0.5}
    row = Arm("new", "New", "#E69F00", "P", generator="dcgan", mixing=mixing, chosen=("classic_size", "synthetic_size"))
    monkeypatch.setitem(ARMS, "new", row)
    assert counts(arms=("classic", "dcgan", "new")) == {"classifier": 27 + 2 * 18, "dcgan": 9}


def test_each_training_stands_in_the_first_stage_that_needs_it():
    found = [[name for name, _ in stage] for stage in stages.largest(trainings())]
    assert [len(stage) for stage in found] == [27, 9, 3, 18, 18]
    names = [name for stage in found for name in stage]
    assert len(set(names)) == len(names)


def test_two_different_trainings_of_one_name_are_noticed():
    some = trainings()
    name, config = some.predictor(ARMS["classic"], 0, 0, 500)
    assert stages.unique([(name, config), (name, config)]) == [(name, config)]
    with pytest.raises(ValueError, match=f"Two different trainings are called {name}"):
        stages.unique([(name, config), (name, dataclasses.replace(config, seed=1))])


def test_generators_learn_from_the_size_that_the_baseline_chose_or_from_a_fixed_one():
    assert stages.gan_sizes(trainings(), (500, 1000, 500)) == (500, 1000, 500)
    assert stages.gan_sizes(trainings(gan_classic_size=5000), (500, 1000, 500)) == (5000,) * 3
