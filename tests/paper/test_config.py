import dataclasses

import pytest

from lesion_jax.config import from_mapping, replace, to_config_dict, to_dict
from lesion_jax.errors import ConfigError
from lesion_jax.families import config_kinds
from lesion_jax.paper.arms import ARMS, Arm
from lesion_jax.paper.config import PaperConfig
from tests.paper.made_up import models, paper_config

KINDS = {"paper": PaperConfig}


def load(config):
    return from_mapping(to_config_dict(config), config_kinds() | KINDS)


def test_it_comes_back_from_text_and_the_defaults_are_possible():
    assert load(PaperConfig()) == PaperConfig()
    config = paper_config(seeds=(0, 1))
    assert from_mapping(to_dict(config), config_kinds() | KINDS) == config
    assert {name for arm in ARMS.values() for name in arm.models} == set(PaperConfig().models)


def one(name, changes):
    return {**models(), name: replace(models()[name], changes)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": ("classic", "vae")}, "arms has 'vae'"),
        ({"arms": ("none", "dcgan")}, "'classic' is what the others are compared with"),
        ({"arms": ("classic", "classic")}, "each once"),
        ({"seeds": ()}, "at least one"),
        ({"seeds": (-1,)}, "seeds is -1"),
        ({"classic_sizes": (0,)}, "classic_sizes is"),
        ({"classic_sizes": (0, 100, 50)}, "classic_sizes is"),
        ({"classic_sizes": (50, 100)}, "must rise from 0"),
        ({"synthetic_sizes": (0, 100)}, "synthetic_sizes is 0"),
        ({"phantom_patients_scale": 0.1}, "phantom_patients_scale is 0.1"),
        ({"models": one("dcgan", {"data.image_size": 64})}, "data.image_size differs between models"),
        ({"models": one("acgan", {"num_devices": 2})}, "num_devices differs between models"),
        ({"models": one("classifier", {"data.fold": 1})}, "classifier.data.fold is set, but `paper` fills it in"),
        ({"models": one("dcgan", {"learning_rate": -1.0})}, "models.dcgan.learning_rate is -1"),
        ({"models": {"classifier": models()["classifier"]}}, "needs models.dcgan"),
        ({"arms": ("classic", "ensemble")}, "averages 5 networks, which only `study` does"),
        ({"models": {**models(), "acgan": models()["dcgan"]}}, "cannot classify: 'acgan_discriminator'"),
        ({"models": {**models(), "dcgan": models()["classifier"]}}, "draws no images: 'dcgan'"),
    ],
)
def test_what_is_impossible_is_refused_with_its_value(changes, message):
    with pytest.raises(ConfigError, match=message):
        load(paper_config(**changes))


def test_an_arm_changes_only_what_its_predictor_has(monkeypatch):
    row = Arm("new", "New", "#E69F00", "P", changes={"mixup": 0.2})
    monkeypatch.setitem(ARMS, "new", row)
    with pytest.raises(ConfigError, match="Arm 'new' changes .*mixup"):
        load(paper_config(arms=("classic", "new")))
    monkeypatch.setitem(ARMS, "new", dataclasses.replace(row, changes={"momentum": 1.5}))
    with pytest.raises(ConfigError, match="Arm 'new' .*momentum is 1.5"):
        load(paper_config(arms=("classic", "new")))
    same = {"momentum": models()["classifier"].momentum}
    monkeypatch.setitem(ARMS, "new", dataclasses.replace(row, changes=same))
    with pytest.raises(ConfigError, match="Arm 'new' changes .*has already"):
        load(paper_config(arms=("classic", "new")))
    monkeypatch.setitem(ARMS, "new", dataclasses.replace(row, changes={"momentum": 0.5}))
    assert load(paper_config(arms=("classic", "new"))).arms[-1] == "new"
