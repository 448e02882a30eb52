import dataclasses
import json
import runpy
from pathlib import Path

import pytest

from lesion_jax.config import (
    ClassifierConfig,
    DataConfig,
    GanConfig,
    PaperConfig,
    from_mapping,
    to_config_dict,
    to_dict,
)
from lesion_jax.errors import ConfigError

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.py"))


@pytest.mark.parametrize("config", [ClassifierConfig(), GanConfig(), GanConfig(kind="acgan"), PaperConfig()])
def test_a_config_survives_json_and_config_dict(config):
    assert from_mapping(json.loads(json.dumps(to_dict(config)))) == config
    assert from_mapping(to_config_dict(config)) == config


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_config_file_is_valid_and_its_header_gives_the_command(path):
    module = runpy.run_path(str(path))
    from_mapping(module["get_config"]())
    assert f"--config configs/{path.name}" in module["__doc__"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widht": 3}, "widht is not a setting"),
        ({"width": "3"}, "width is '3'; it takes int"),
        ({"width": True}, "width is True; it takes int"),
        ({"loss": "wgan"}, "loss is 'wgan'; choose one of"),
        ({"data": {"fould": 1}}, "data.fould is not a setting"),
        ({"data": {"window": (1.0,)}}, "data.window is .* takes 2 values"),
        ({"data": 3}, "data is 3; it holds settings"),
        ({"kind": "vae"}, "kind is 'vae'"),
    ],
)
def test_unknown_and_mistyped_settings_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        from_mapping({"kind": "dcgan", **change})


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (GanConfig(loss="hinge", label_smoothing=0.1), ("0.1", "hinge")),
        (GanConfig(generator_every=2, discriminator_every=3), ("2", "3")),
        (GanConfig(kind="acgan", data=DataConfig(label="cyst")), ("acgan", "cyst")),
        (GanConfig(class_weight=2.0), ("class_weight", "dcgan")),
        (GanConfig(kind="acgan", class_weight=-1.0), ("class_weight", "-1.0")),
        (GanConfig(data=DataConfig(image_size=28)), ("28", "16")),
        (GanConfig(data=DataConfig(banks=("b",), synthetic_size=3)), ("banks",)),
        (ClassifierConfig(data=DataConfig(synthetic_size=5)), ("5", "banks")),
        (ClassifierConfig(data=DataConfig(banks=("b",))), ("banks", "synthetic_size is 0")),
        (ClassifierConfig(data=DataConfig(synthetic_share=0.5)), ("0.5", "synthetic_size is 0")),
        (ClassifierConfig(data=DataConfig(image_size=20)), ("20", "22")),
        (ClassifierConfig(data=DataConfig(window=(10.0, 10.0))), ("window",)),
        (ClassifierConfig(data=DataConfig(margin=0.6)), ("0.6",)),
        (ClassifierConfig(data=DataConfig(fold=-1)), ("fold",)),
        (ClassifierConfig(momentum=1.0), ("momentum", "1.0")),
        (ClassifierConfig(num_devices=-1), ("num_devices", "-1")),
        (ClassifierConfig(seed=2**31), ("seed", "2147483648")),
        (ClassifierConfig(learning_rate=float("inf")), ("learning_rate", "inf")),
        (ClassifierConfig(data=DataConfig(label="cyst")), ("cyst", "all classes")),
        (ClassifierConfig(data=DataConfig(banks=("b", "b"), synthetic_size=1)), ("banks", "twice")),
        (ClassifierConfig(learning_rate=0.0), ("learning_rate",)),
        (PaperConfig(arms=("none", "dcgan")), ("arms", "classic")),
        (PaperConfig(arms=("none", "classic", "vae")), ("vae",)),
        (PaperConfig(seeds=(1, 1)), ("seeds",)),
        (PaperConfig(classic_sizes=(500, 1000)), ("classic_sizes", "500")),
        (PaperConfig(synthetic_sizes=(0, 100)), ("synthetic_sizes",)),
        (PaperConfig(phantom_patients_scale=0.0), ("phantom_patients_scale",)),
        (PaperConfig(classifier=ClassifierConfig(data=DataConfig(image_size=32))), ("image_size", "32", "64")),
        (PaperConfig(classifier=ClassifierConfig(data=DataConfig(fold=1))), ("classifier.data", "alone")),
        (PaperConfig(classifier=ClassifierConfig(data=DataConfig(feed="stream"))), ("classifier.data", "alone")),
        (PaperConfig(classifier=ClassifierConfig(num_devices=2)), ("num_devices", "2", "0")),
    ],
)
def test_contradictions_name_both_values(config, words):
    with pytest.raises(ConfigError) as error:
        from_mapping(to_dict(config))
    assert all(word in str(error.value) for word in words), str(error.value)


def test_every_field_is_described():
    for cls in (ClassifierConfig, GanConfig, PaperConfig, DataConfig):
        for field in dataclasses.fields(cls):
            assert f"      {field.name}:" in cls.__doc__, f"{cls.__name__}.{field.name}"
