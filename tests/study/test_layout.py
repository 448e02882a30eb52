import collections
import dataclasses
from pathlib import Path

from lesion_jax.study import stages
from lesion_jax.study.layout import Setting
from tests.study.made_up import ALL, FAR, FEW, layout, sites


def test_every_arm_runs_in_every_scenario_cohort_partition_and_seed():
    found = layout(scenarios={"all": ALL, "few": FEW}, seeds=(3, 4), cohorts=2, partitions=3)
    counted = collections.Counter(setting.scenario for setting in found.settings)
    assert counted == {"all": 3 * 2, "few": 2 * 3 * 2}
    first, second = stages.first(found, found.settings), stages.second(found, found.settings)
    # none, classic and one ACGAN; the arm with its images; three folds each.
    assert len(first) == 3 * 3 * 18 and len(second) == 3 * 18
    names = [name for name, _ in (*first, *second)]
    assert len(set(names)) == len(names)
    seeds = collections.defaultdict(set)
    for name, config in (*first, *second):
        data = config.data
        assert not data.hold_out_inner and f"fold{data.fold}" in name
        seeds[name.split("/")[1]].add(config.seed)
        assert data.per_class == ((8, 8, 4) if name.startswith("few") else ())
        assert data.partition == ("" if "partition0" in name else f"repeat:{name.split('partition')[1][0]}")
        assert f"cohort{data.subset}" in name
    # One seed for all arms of a retraining, another in every cohort and partition.
    assert all(len(some) == 1 for some in seeds.values()) and len(set.union(*seeds.values())) == len(seeds) == 12


def test_an_arm_with_images_takes_the_banks_of_its_own_patients_and_seed():
    found = layout(scenarios={"all": ALL}, seeds=(0, 1))
    for name, config in stages.second(found, found.settings):
        setting = name.rsplit("/", 1)[0]
        assert config.data.banks == (f"/w/banks/{setting}/generator-acgan",)
        assert config.data.synthetic_size == 5 and config.data.classic_size == 40
    # Two training folds.
    assert {num for _, _, num in stages.banks(found, found.settings)} == {10}
    assert {setting.seed for _, setting, _ in stages.banks(found, found.settings)} == {0, 1}


def test_an_independent_test_set_has_one_fold_and_is_not_repeated():
    found = layout(content=sites(), scenarios={"far": FAR}, partitions=3, arms=("none", "classic"))
    assert found.settings == [Setting("far", 0, 0, 0)] and list(found.folds(found.settings[0])) == [0]
    assert [config.data.partition for _, config in stages.first(found, found.settings)] == ["tag:site=far"] * 2


def test_members_of_an_ensemble_have_seeds_of_their_own():
    found = layout(arms=("classic", "ensemble"), seeds=(0, 1))
    seeds = [
        config.seed for name, config in stages.first(found, found.settings) if "ensemble" in name and "fold0" in name
    ]
    assert len(set(seeds)) == 10 and not {setting.training_seed() for setting in found.settings} & set(seeds)


def test_doses_are_trained_on_one_bank_that_is_large_enough():
    found = layout(scenarios={"all": dataclasses.replace(ALL, doses=(2, 20))}, arms=("classic", "acgan", "dcgan"))
    first, second = dict(stages.first(found, found.settings)), dict(stages.second(found, found.settings))
    assert not [name for name in first if "dose" in name]
    sizes = collections.defaultdict(set)
    for name, config in second.items():
        sizes[name.rpartition("/")[2]].add(config.data.synthetic_size)
    assert sizes == {
        f"{arm}{dose}": {size} for arm in ("acgan", "dcgan") for dose, size in (("", 5), ("-dose2", 2), ("-dose20", 20))
    }
    # Of two training folds.
    assert {num for *_, num in stages.banks(found, found.settings)} == {40}


def test_an_arm_that_selects_takes_other_banks_of_the_same_training_and_size():
    found = layout(arms=("classic", "dcgan", "dcgan_selected"))
    second = dict(stages.second(found, found.settings))
    (random,) = [name for name in second if name.endswith("fold0/dcgan")]
    chosen = second[f"{random}_selected"].data
    assert chosen.banks == tuple(f"{bank}-selected" for bank in second[random].data.banks) and len(chosen.banks) == 3
    assert chosen.synthetic_size == second[random].data.synthetic_size == 5
    # Of two training folds: 10 are taken, out of three times as many.
    assert {num for *_, num in stages.banks(found, found.settings)} == {30}
    assert {num for _, num in stages.selections(found, found.settings)} == {10}
    assert {found.selected(name) for name, _ in stages.selections(found, found.settings)} >= set(
        map(Path, chosen.banks)
    )
    plain = layout(arms=("classic", "dcgan"))
    assert not stages.selections(plain, plain.settings)
