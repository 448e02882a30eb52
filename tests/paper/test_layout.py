import dataclasses
from pathlib import Path

from lesion_jax.config import PaperConfig, from_mapping, to_dict
from lesion_jax.paper.layout import Trainings

NAMES = ("cyst", "metastasis", "hemangioma")


def trainings(**changes):
    return Trainings(dataclasses.replace(PaperConfig(), **changes), Path("/w"), Path("/d"), NAMES, 3)


def test_counts_are_the_papers():
    # Section 6: nine classic sizes and six synthetic sizes of two kinds on three folds; nine DCGANs, three ACGANs.
    assert trainings().counts() == {"classifier": 3 * (9 + 12), "dcgan": 9, "acgan": 3}
    assert trainings(seeds=(0, 1)).counts()["dcgan"] == 18


def test_arms_that_are_not_asked_for_cost_nothing():
    found = trainings(arms=("none", "classic")).counts()
    assert found == {"classifier": 27}
    found = trainings(arms=("none", "classic", "acgan_discriminator")).counts()
    assert found == {"classifier": 27, "acgan": 3}


def test_every_training_has_its_own_directory_and_a_valid_config():
    some = trainings()
    named = [some.classifier(s, f, n) for s in (0, 1) for f in range(3) for n in (0, 500)]
    named += [some.mixed(0, f, 500, k, 500, n) for f in range(3) for k in ("dcgan", "acgan") for n in (100, 500)]
    named += [gan for f in range(3) for k in ("dcgan", "acgan") for gan in some.gans(0, f, k, 500)]
    assert len({name for name, _ in named}) == len(named)
    for _, config in named:
        assert from_mapping(to_dict(config)) == config


def test_a_mixed_training_takes_the_banks_of_its_own_fold_and_seed():
    _, config = trainings().mixed(1, 2, 5000, "dcgan", 5000, 1000)
    assert config.data.banks == tuple(f"/w/banks/seed1/fold2/dcgan-{name}-on-5000" for name in NAMES)
    assert config.data.fold == 2 and config.seed == 1 and config.data.synthetic_size == 1000


def test_inner_patients_are_held_out_only_when_something_is_chosen_on_them():
    assert trainings(selection="inner").classifier(0, 0, 0)[1].data.hold_out_inner
    assert not trainings(selection="test").classifier(0, 0, 0)[1].data.hold_out_inner
