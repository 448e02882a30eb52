import dataclasses

import pytest

from lesion_jax.errors import ConfigError
from lesion_jax.paper.arms import ARMS
from lesion_jax.study.config import ScenarioConfig, StudyConfig
from tests.study.made_up import ALL, models, study_config


def test_the_default_holds_a_model_for_every_arm():
    config = StudyConfig()
    assert {name for arm in ARMS.values() for name in arm.models} == set(config.models)


def longer(name, duration):
    found = models()
    loop = dataclasses.replace(found[name].loop, duration=duration)
    return found | {name: dataclasses.replace(found[name], loop=loop)}


def with_data(**changes):
    found = models()
    return {
        name: dataclasses.replace(model, data=dataclasses.replace(model.data, **changes))
        for name, model in found.items()
    }


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arms": ("none", "acgan")}, "name the baseline 'classic'"),
        ({"arms": ("classic", "magic")}, "arms has 'magic'; choose from none"),
        ({"arms": ("classic", "oversampling", "classic")}, "each once"),
        ({"metric": "luck"}, "metric is 'luck'; choose from accuracy"),
        ({"margin": 0.0}, "margin is 0.0; it must lie in"),
        ({"scenarios": {}}, "scenarios is empty"),
        ({"scenarios": {"a b": ALL}}, "scenarios has 'a b'"),
        ({"scenarios": {"x": ScenarioConfig(doses=(50, 100))}}, r"scenarios.x.doses is \(50, 100\); .* without 100"),
        ({"scenarios": {"x": ScenarioConfig(per_class=(0,))}}, "scenarios.x.per_class is 0; it must be above 0"),
        ({"scenarios": {"x": ScenarioConfig(partition="repeat:1")}}, "repeats partitions itself"),
        ({"models": longer("classifier", "5 epochs")}, "trained for '5 epochs'.*duration in steps"),
        ({"models": longer("acgan", "9 steps"), "arms": ("classic", "acgan_discriminator")}, "different durations"),
        ({"arms": ("classic", "dcgan_selected")}, "no other arm takes as many random ones"),
        ({"models": with_data(fold=1)}, "models.dcgan.data.fold is set"),
        (
            {"models": models() | {"acgan": models()["classifier"]}},
            "models.acgan.kind is 'classifier', which draws no images: 'acgan'",
        ),
    ],
)
def test_impossible_settings_are_refused(changes, message):
    study_config().check()
    with pytest.raises(ConfigError, match=message):
        study_config(**changes).check()
