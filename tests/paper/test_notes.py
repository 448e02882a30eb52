from lesion_jax.config import replace
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.notes import departures, notes_of
from tests.paper.made_up import SIZES, MadeUp

DEFAULTS = PaperConfig().models


def protocol(models, **changes):
    return MadeUp(PaperConfig(models=models, **SIZES, **changes))


def test_settings_that_differ_are_listed_with_the_default_and_those_that_change_no_result_are_not():
    models = {name: replace(model, {"num_devices": 1, "loop.log_every": "1 steps"}) for name, model in DEFAULTS.items()}
    assert departures(protocol(models)) == []
    for name in ("dcgan", "acgan"):
        models[name] = replace(models[name], {"width": 8, "data.batch_size": 16})
    found = protocol(models, arms=("classic", "dcgan", "acgan"))
    assert {"setting": "dcgan.width", "value": 8, "default": 128} in departures(found)
    note = notes_of(found)[0]
    assert "width of dcgan, acgan (8, by default 128)" in note and "data.batch_size of dcgan, acgan" in note
    # Models that no arm asks for play no part.
    assert departures(protocol(models, arms=("none", "classic"))) == []


def test_an_arm_that_answers_with_another_checkpoint_says_so():
    said = "ACGAN discriminator answers with its last checkpoint"
    assert any(said in note for note in notes_of(protocol(DEFAULTS)))
    assert not any(said in note for note in notes_of(protocol(DEFAULTS, selection="test")))
    assert not any(said in note for note in notes_of(protocol(DEFAULTS, arms=("none", "classic"))))
