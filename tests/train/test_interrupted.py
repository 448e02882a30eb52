"""Resume is resume: whatever interrupts a training, at whatever step, it ends with the same bits."""

import dataclasses
import functools
import json
import signal

import numpy as np
import pytest

from benchmarks.same_results import differences, results_of
from lesion_jax.core.types import Images
from lesion_jax.data.bank import save_bank
from lesion_jax.errors import Preempted
from lesion_jax.runtime import preemption
from lesion_jax.train.run import train
from tests.reader.conftest import facts
from tests.train.tiny import cohort, configs, true_at

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny():
    return cohort()


def ending(process):
    """(exit status, what it printed)."""
    printed, _ = process.communicate(timeout=240)
    return process.returncode, printed


def every(config, steps):
    period = f"{steps} steps"
    loop = dataclasses.replace(config.loop, evaluate_every=period, checkpoint_every=period)
    return dataclasses.replace(config, loop=loop)


@pytest.fixture(scope="module")
def whole(tiny, tmp_path_factory):
    """Results of an uninterrupted run."""

    @functools.cache
    def run(config):
        path = tmp_path_factory.mktemp("whole") / "run"
        assert train(config, path, cohort=tiny)
        return results_of(path)

    return run


# A GAN is interrupted in test_run.py.
@pytest.mark.parametrize("interval", [3, 4])
def test_preempted_after_any_step_it_is_saved_there_and_ends_the_same(interval, tiny, whole, tmp_path, monkeypatch):
    config = every(configs()["classifier"], interval)
    expected = whole(config)
    for at in (1, 4, 7):
        path = tmp_path / str(at)
        monkeypatch.setattr(preemption, "requested", true_at(at))
        with pytest.raises(Preempted):
            train(config, path, cohort=tiny)
        assert (path / "checkpoints" / str(at)).is_dir() and not (path / "DONE").exists()
        monkeypatch.undo()
        assert train(config, path, cohort=tiny)
        assert differences(expected, results_of(path)) == []


def test_killed_between_checkpoints_it_ends_the_same_in_another_process(tiny, whole, start_training, tmp_path):
    config = configs()["classifier"]
    killed = start_training(tmp_path / "run", "classifier", "--signal_at", 6, signal.SIGKILL.value)
    status, printed = ending(killed)
    assert status == -signal.SIGKILL, printed
    assert not (tmp_path / "run" / "DONE").exists()
    # Lines are written behind, so that those of steps 5 and 6 may be there or not: they go, and are written again.
    with (tmp_path / "run" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "train/loss": 0.0}\n')
    assert train(config, tmp_path / "run", cohort=tiny)
    assert differences(whole(config), results_of(tmp_path / "run")) == []


def test_a_mixed_training_is_killed_and_continued_in_fresh_processes(tiny, whole, start_training, tmp_path):
    config = configs()["classifier"]
    pixels = np.random.default_rng(0).normal(0, 100, (30, 32, 32)).astype(np.int16)
    held = facts(tiny, image_size=32, window=[-160.0, 240.0], margin=config.data.margin)
    save_bank(tmp_path / "bank", Images(pixels, np.arange(30, dtype=np.int32) % 3), held)
    data = dataclasses.replace(config.data, banks=(str(tmp_path / "bank"),), synthetic_size=5)
    expected = whole(dataclasses.replace(config, data=data))
    changes = json.dumps({"data": {"banks": data.banks, "synthetic_size": 5}})
    words = tmp_path / "run", "classifier", "--changes", changes
    killed = start_training(*words, "--signal_at", 7, signal.SIGKILL.value)
    status, printed = ending(killed)
    assert status == -signal.SIGKILL, printed
    # And once more, by a signal that lets it save.
    stopped = start_training(*words, "--signal_at", 6, signal.SIGUSR1.value)
    status, printed = ending(stopped)
    assert status == 75 and "SIGUSR1 came" in printed, printed
    assert (tmp_path / "run" / "checkpoints" / "6").is_dir()
    status, printed = ending(start_training(*words))
    assert status == 0, printed
    assert differences(expected, results_of(tmp_path / "run")) == []


def test_a_result_that_is_not_the_same_is_noticed(tiny, whole, tmp_path):
    config = configs()["classifier"]
    expected = whole(config)
    train(dataclasses.replace(config, seed=1), tmp_path / "run", cohort=tiny)
    found = differences(expected, results_of(tmp_path / "run"))
    assert {"config.json", "metrics.jsonl", "checkpoints/8"} <= set(found)
