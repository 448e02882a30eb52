from pathlib import Path

from lesion_jax.config import to_dict
from lesion_jax.families import training_config
from lesion_jax.paper.arms import ARMS, Arm
from lesion_jax.paper.config import PaperConfig
from lesion_jax.paper.layout import Trainings

NAMES = ("cyst", "metastasis", "hemangioma")


def trainings(**changes):
    return Trainings(PaperConfig(**changes), Path("/w"), Path("/d"), NAMES, 3)


def test_every_training_has_its_own_directory_and_a_valid_config():
    some, arms = trainings(), (ARMS["dcgan"], ARMS["acgan"])
    named = [some.predictor(ARMS["classic"], s, f, n) for s in (0, 1) for f in range(3) for n in (0, 500)]
    named += [some.mixed(arm, 0, f, 500, 500, n) for f in range(3) for arm in arms for n in (100, 500)]
    named += [gan for f in range(3) for model in ("dcgan", "acgan") for gan in some.generator(model, 0, f, 500)]
    assert len({name for name, _ in named}) == len(named)
    for _, config in named:
        assert training_config(to_dict(config)) == config


def test_names_say_what_a_training_is():
    some = trainings()
    assert some.predictor(ARMS["classic"], 0, 1, 500)[0] == "seed0/fold1/classic-500"
    assert some.mixed(ARMS["dcgan"], 0, 1, 500, 500, 20)[0] == "seed0/fold1/classic-500+dcgan-20"
    assert some.generator("dcgan", 0, 1, 500)[0][0] == "seed0/fold1/dcgan-cyst-on-500"
    new = Arm("new", "New", "#E69F00", "P", changes={"momentum": 0.5, "data.batch_size": 8})
    name, config = some.predictor(new, 0, 1, 500)
    assert name == "seed0/fold1/classic-500-momentum=0.5-data.batch_size=8"
    assert (config.momentum, config.data.batch_size) == (0.5, 8)


def test_a_generator_that_answers_is_the_training_that_draws():
    some = trainings()
    assert [some.predictor(ARMS["acgan_discriminator"], 0, 2, 500)] == some.generator("acgan", 0, 2, 500)


def test_a_mixed_training_takes_the_banks_of_its_own_fold_and_seed():
    _, config = trainings().mixed(ARMS["dcgan"], 1, 2, 5000, 5000, 1000)
    assert config.data.banks == tuple(f"/w/banks/seed1/fold2/dcgan-{name}-on-5000" for name in NAMES)
    assert config.data.fold == 2 and config.seed == 1 and config.data.synthetic_size == 1000


def test_inner_patients_are_held_out_only_when_something_is_chosen_on_them():
    for selection, held_out in (("inner", True), ("test", False)):
        assert trainings(selection=selection).predictor(ARMS["none"], 0, 0, 0)[1].data.hold_out_inner is held_out


def test_a_bank_holds_what_the_largest_training_takes(monkeypatch):
    # Two training folds.
    assert trainings().bank_size("dcgan") == 2 * 4000
    new = Arm("new", "New", "#E69F00", "P", generator="dcgan", changes={"data.synthetic_size": 5000})
    monkeypatch.setitem(ARMS, "new", new)
    assert trainings(arms=("classic", "new")).bank_size("dcgan") == 2 * 5000


def test_models_of_one_family_are_told_apart_by_name():
    assert trainings().title("dcgan") == "DCGAN"
    models = dict(PaperConfig().models)
    assert trainings(models={**models, "second": models["dcgan"]}).title("second") == "DCGAN (second)"
