"""Reading of configs: what survives text, what is refused, what follows from a field."""

import dataclasses
import json
import math
import re
import runpy
from pathlib import Path

import pytest

from lesion_jax.commands.config_flag import kinds
from lesion_jax.config import DataConfig, TrainingConfig, from_mapping, to_config_dict, to_dict
from lesion_jax.config.fields import help_text, names_where, settings_of
from lesion_jax.errors import ConfigError
from lesion_jax.families import FAMILIES, AcganConfig, ClassifierConfig, DcganConfig, training_config
from lesion_jax.families.base import hyper_of

CONFIGS = sorted((Path(__file__).parents[2] / "configs").glob("*.py"))


@pytest.mark.parametrize("config", [ClassifierConfig(), DcganConfig(), AcganConfig()])
def test_a_config_survives_json_and_config_dict(config):
    assert training_config(json.loads(json.dumps(to_dict(config)))) == config
    assert training_config(to_config_dict(config)) == config


def test_a_rate_that_is_written_as_a_whole_number_is_the_same_array():
    whole, real = (hyper_of(AcganConfig(class_weight=weight)) for weight in (1, 1.0))
    assert {name: x.dtype for name, x in whole.items()} == {name: x.dtype for name, x in real.items()}
    assert whole["class_weight"].dtype == "float32" and whole["generator_every"].dtype == "int32"


def test_a_seed_beyond_every_float_is_refused_in_words():
    with pytest.raises(ConfigError, match="seed is 1000"):
        training_config({"kind": "dcgan", "seed": 10**400})


@pytest.mark.parametrize("path", CONFIGS, ids=lambda p: p.stem)
def test_every_config_file_is_valid_and_its_header_gives_the_command(path):
    module = runpy.run_path(str(path))
    questions = re.findall(rf"--config configs/{path.name}:(\w+)", module["__doc__"])
    for config in (module["get_config"](), *(module["get_config"](question) for question in questions)):
        from_mapping(config, kinds()).check()
    assert f"--config configs/{path.name}" in module["__doc__"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"widht": 3}, "widht is not a setting"),
        ({"width": "3"}, "width is '3'; it takes int"),
        ({"width": True}, "width is True; it takes int"),
        ({"loss": "wgan"}, "loss is 'wgan'; choose one of"),
        ({"data": {"fould": 1}}, "data.fould is not a setting"),
        ({"data": {"window": ("a",)}}, r"data.window\[0\] is 'a'; it takes float"),
        ({"data": 3}, "data is 3; it holds settings"),
        ({"kind": "vae"}, "kind is 'vae'"),
    ],
)
def test_unknown_and_mistyped_settings_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        training_config({"kind": "dcgan", **change})


BANK: dict = {"banks": ("b",), "synthetic_size": 3}


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (DcganConfig(loss="hinge", label_smoothing=0.1), ("0.1", "hinge")),
        (DcganConfig(generator_every=2, discriminator_every=3), ("2", "3")),
        (AcganConfig(data=DataConfig(label="cyst")), ("ACGAN", "cyst")),
        (AcganConfig(class_weight=-1.0), ("class_weight", "-1.0")),
        (DcganConfig(data=DataConfig(image_size=28)), ("28", "16")),
        (DcganConfig(data=DataConfig(banks=("b",), synthetic_size=3)), ("banks",)),
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
        (ClassifierConfig(data=DataConfig(window=(1.0,))), ("window", "two finite numbers")),
        (ClassifierConfig(data=DataConfig(window=(0.0, float("inf")))), ("window", "inf")),
        (ClassifierConfig(data=DataConfig(synthetic_until=0.6)), ("0.6", "synthetic_size is 0")),
        (ClassifierConfig(data=DataConfig(synthetic_annealing="linear", **BANK)), ("linear", "synthetic_share is 0")),
        (ClassifierConfig(fine_tuning_rate=0.1), ("0.1", "synthetic_until is 1")),
        (ClassifierConfig(logit_adjustment=1.0, data=DataConfig(sampling="balanced")), ("1.0", "balanced")),
        (ClassifierConfig(mixing="genmix", data=DataConfig(synthetic_share=0.25, **BANK)), ("genmix", "0.25")),
        (ClassifierConfig(intensity="jitter", intensity_offset=0, intensity_noise=0, intensity_blur=0), ("jitter",)),
    ],
)
def test_contradictions_name_both_values(config, words):
    with pytest.raises(ConfigError) as error:
        training_config(to_dict(config))
    assert all(word in str(error.value) for word in words), str(error.value)


def test_devices_that_would_part_a_mixed_pair_are_refused():
    ClassifierConfig(mixing="mixup").check_devices(32)
    with pytest.raises(ConfigError, match="batch_size 64 leaves an odd number to each of 64 devices"):
        ClassifierConfig(mixing="mixup").check_devices(64)


def all_settings():
    return [(family, *found) for family in FAMILIES.values() for found in settings_of(family.config)]


def test_every_field_is_declared_with_a_meaning_and_help_says_it():
    for family in FAMILIES.values():
        declared = {name.split(".")[0] for name, _, _ in settings_of(family.config)}
        assert declared == {field.name for field in dataclasses.fields(family.config)}
        text = help_text(family.config, "--config.")
        for name, setting, default in settings_of(family.config):
            assert f"--config.{name} = {default!r}" in text and setting.doc in text and setting.doc.endswith(".")


def test_a_number_outside_of_its_range_is_refused_by_the_field_alone():
    for family, name, setting, default in all_settings():
        if isinstance(default, bool) or not isinstance(default, int | float) or not setting.range_text:
            continue
        values = to_dict(family.config())
        at = values
        *path, last = name.split(".")
        for part in path:
            at = at[part]
        bounds = [(setting.low, -1), (setting.above, 0), (setting.high, 1), (setting.below, 0)]
        for bound, away in bounds:
            if bound is not None:
                at[last] = type(default)(bound + away)
                with pytest.raises(ConfigError, match=f"{name} is .*must"):
                    training_config(values)


def test_every_traced_field_is_an_array_in_the_state_and_no_other_is():
    for family in FAMILIES.values():
        config = family.config()
        assert set(hyper_of(config)) == names_where(config, lambda setting: setting.role == "traced")


def test_a_new_field_is_one_declaration():
    """Range, help, role and array follow from it; nothing else names it."""
    from lesion_jax.config.fields import traced

    @dataclasses.dataclass(frozen=True)
    class Config(ClassifierConfig):
        dropout: float = traced(0.5, low=0.0, below=1.0, doc="Rate of dropout.")

    with pytest.raises(ConfigError, match=r"dropout is 1.0; it must lie in \[0.0, 1.0\)"):
        Config(dropout=1.0).check()
    with pytest.raises(ConfigError, match="dropout is inf; it must be finite"):
        Config(dropout=math.inf).check()
    assert "dropout" in hyper_of(Config()) and "Rate of dropout." in help_text(Config)


def test_a_config_without_a_family_is_no_training():
    with pytest.raises(ConfigError, match="kind is ''"):
        training_config(to_dict(TrainingConfig()))
