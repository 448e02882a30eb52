"""What a sweep refuses, and when: nothing here is trained."""

import dataclasses

import pytest

from lesion_jax.data.folds import make_folds
from lesion_jax.errors import ConfigError, RunError
from lesion_jax.families import DcganConfig
from lesion_jax.sweep.cells import expand
from lesion_jax.sweep.config import HalvingConfig, SweepConfig
from lesion_jax.sweep.directory import Sweep, open_sweep
from lesion_jax.sweep.run import programs_of, run_sweep
from tests.train.tiny import cohort, configs

CLASSIFIER = dataclasses.replace(configs()["classifier"], num_devices=1)
STREAMED, BANKED = (
    dataclasses.replace(CLASSIFIER, data=dataclasses.replace(CLASSIFIER.data, **changes))
    for changes in ({"feed": "stream"}, {"banks": ("nowhere",), "synthetic_size": 2})
)
TWO = SweepConfig(base=CLASSIFIER, grid=(("width", (2, 3)), ("learning_rate", (1e-3, 2e-3))))


@pytest.fixture(scope="module")
def tiny():
    return cohort()


def test_what_differs_is_said_and_what_does_not_matter_may_differ(tiny, tmp_path):
    Sweep.of(TWO, tmp_path).claim(tiny)
    loop = dataclasses.replace(CLASSIFIER.loop, log_every="2 steps")
    other = dataclasses.replace(
        TWO, packing="vmap", num_devices=2, base=dataclasses.replace(CLASSIFIER, loop=loop, data=CLASSIFIER.data)
    )
    Sweep.of(other, tmp_path).claim(tiny)
    assert open_sweep(tmp_path).config == other
    with pytest.raises(RunError, match=r"config.grid is .*0.001.* there and .*0.005.* here"):
        Sweep.of(dataclasses.replace(TWO, grid=(("learning_rate", (5e-3,)),)), tmp_path).claim(tiny)
    # The same lesions in other folds.
    folds = make_folds(tiny.lesions, 3, 7)
    with pytest.raises(RunError, match="fold_fingerprint is"):
        Sweep.of(other, tmp_path).claim(dataclasses.replace(tiny, folds=folds))
    # The cells of a program are compared with each other.
    halving = dataclasses.replace(TWO, halving=HalvingConfig(rungs=("50%",)))
    Sweep.of(halving, tmp_path / "h").claim(tiny)
    with pytest.raises(RunError, match="num_devices is 1 there and 2 here"):
        Sweep.of(dataclasses.replace(halving, num_devices=2), tmp_path / "h").claim(tiny)


def test_what_no_device_here_can_take_is_refused_at_the_start(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr("lesion_jax.runtime.parallel.memory_bytes", lambda device: 1000)
    with pytest.raises(ConfigError, match="lower device_memory"):
        run_sweep(TWO, tmp_path / "s", cohort=tiny)
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"grid": (("seed", (0, 1)), ("data.hold_out_inner", (True, False)))}, "Cell 1.*hold_out_inner"),
        ({"halving": HalvingConfig(rungs=("often",))}, "halving.rungs"),
        ({"grid": (("data.fold", (0, 7)),)}, "Cell 1.*data.fold is 7"),
        ({"base": STREAMED, "grid": (("seed", (0, 1)),)}, "Cell 0.*data.feed is 'stream'"),
        ({"base": BANKED, "grid": (("seed", (0, 1)),)}, "Cell 0.*Bank nowhere"),
        ({"halving": HalvingConfig(rungs=("4 steps", "3 steps"))}, "must rise"),
        ({"halving": HalvingConfig(rungs=("0 steps",))}, "must rise"),
        ({"halving": HalvingConfig(rungs=("5 steps",))}, "must rise"),
        ({"grid": (("loop.duration", ("8 steps", "soon")),)}, "Cell 1.*loop.duration"),
    ],
)
def test_what_cannot_be_trained_is_refused_before_anything_is_written(changes, message, tiny, tmp_path):
    sweep = SweepConfig(base=CLASSIFIER, halving=HalvingConfig(rungs=("4 steps",)))
    with pytest.raises(ConfigError, match=message):
        run_sweep(dataclasses.replace(sweep, **changes), tmp_path / "s", cohort=tiny)
    assert not (tmp_path / "s").exists()


def test_programs_are_cut_to_what_a_device_holds(tiny):
    wide = DcganConfig(data=dataclasses.replace(CLASSIFIER.data, image_size=64, batch_size=64))
    sweep = SweepConfig(base=wide, grid=(("seed", tuple(range(10))),), device_memory=4.0, num_devices=2)
    programs = programs_of(sweep, expand(sweep), tiny)
    assert len(programs) > 1 and sum(len(p.trainings) for p in programs) == 10
    assert all(p.device_bytes <= 4 * 2**30 for p in programs)
    with pytest.raises(ConfigError, match="GiB"):
        programs_of(dataclasses.replace(sweep, device_memory=0.1), expand(sweep), tiny)
