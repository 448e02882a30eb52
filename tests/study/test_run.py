import dataclasses
import threading
from pathlib import Path

import pytest

from lesion_jax.data.cohort import Cohort
from lesion_jax.disk.lock import locked
from lesion_jax.errors import ConfigError, LockedError
from lesion_jax.families import RecombineConfig
from lesion_jax.study import run, stages
from tests.study.made_up import ALL, FAR, FEW, layout, models, sites, study_config


@pytest.fixture
def study(monkeypatch, tmp_path):
    """A study whose trainings are noted, not done."""
    found = layout(tmp_path / "study", scenarios={"all": ALL, "few": FEW}, cohorts=2, seeds=(0, 1))
    trained = []
    monkeypatch.setattr(run, "prepare", lambda config, workdir: found)
    monkeypatch.setattr(run, "_train", lambda layout, settings: trained.extend(settings))
    return found, trained


def test_the_tasks_of_an_array_train_each_setting_once_though_they_start_together(study):
    found, trained = study
    num = len(found.settings)
    tasks = [threading.Thread(target=run.run_setting, args=(found.config, found.workdir, i)) for i in range(num)]
    for task in tasks:
        task.start()
    for task in tasks:
        task.join()
    assert num == 6 and sorted(map(str, trained)) == sorted(map(str, found.settings))
    for i, setting in enumerate(found.settings):
        lines = (found.workdir / f"programs/{i:04d}.cells").read_text().splitlines()
        assert lines and all(line.startswith(f"runs/{setting.name}/") for line in lines)


def test_no_training_of_a_setting_waits_for_another_settings(study):
    found, _ = study
    names = {stage: [] for stage in (stages.first, stages.second)}
    for setting in found.settings:
        mine = {found.bank(name) for name, *_ in stages.banks(found, [setting])}
        for stage, some in names.items():
            some += [name for name, _ in stage(found, [setting])]
        assert all(set(map(str, mine)) >= set(config.data.banks) for _, config in stages.second(found, [setting]))
    assert all(some == [name for name, _ in stage(found, found.settings)] for stage, some in names.items())


def test_every_bank_has_a_seed_that_can_be_drawn_by(study, monkeypatch):
    found, _ = study
    seeds = {}
    monkeypatch.setattr(run, "draw_bank", lambda path, num, out, *, seed, which: seeds.setdefault(out, seed))
    run._draw_banks(found, found.settings)
    assert len(seeds) == len(stages.banks(found, found.settings))
    # Another one in every retraining; scenarios are never compared.
    assert len(set(seeds.values())) == len({(one.cohort, one.partition, one.seed) for one in found.settings}) == 4
    # As `sample --seed` has it: each class takes one of its own, and a key has 31 bits.
    assert max(seeds.values()) < 2**24


def test_a_setting_that_is_not_there_or_that_another_process_trains_is_refused(study):
    found, trained = study
    with pytest.raises(ConfigError, match="--index is 6, but the study has 6 settings, from 0"):
        run.run_setting(found.config, found.workdir, 6)
    assert not found.workdir.exists()
    run.run_setting(found.config, found.workdir, 1)
    with locked(found.workdir / "programs/0001.lock", what=found.workdir), pytest.raises(LockedError):
        run.run_setting(found.config, found.workdir, 1)
    assert len(trained) == 1


def test_a_generator_that_training_patients_give_nothing_to_draw_by_is_refused_at_the_start(monkeypatch):
    found = sites()
    lesions = tuple(
        dataclasses.replace(one, patient="alone") if one.label == 2 and one.tags["site"] == "near" else one
        for one in found.lesions.lesions
    )
    content = Cohort(dataclasses.replace(found.lesions, lesions=lesions), None)
    monkeypatch.setattr(Cohort, "load", lambda path: content)
    recombine = RecombineConfig(num_devices=1, data=models()["classifier"].data)
    config = study_config(
        scenarios={"far": FAR}, arms=("classic", "recombine"), models=models() | {"recombine": recombine}
    )
    with pytest.raises(ConfigError, match="generator-recombine: .*hemangioma .* are of one patient"):
        run.prepare(config, Path("nowhere"))
