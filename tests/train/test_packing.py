import json

import jax
import numpy as np
import pytest

from lesion_jax.runtime.population import PACKINGS
from lesion_jax.train import packing
from lesion_jax.train.training import Training
from tests.train.tiny import cohort, configs

pytestmark = pytest.mark.slow

TRAINING = Training.prepare(configs()["classifier"], cohort(), num_devices=1, cache_dir=None)
IMAGES = {"pixels": np.zeros((4, 32, 32), np.int16), "label": np.zeros(4, np.int32)}


def choose(directory, *, slots=2, num_steps=10**9, heard=None):
    return packing.search_packing(
        TRAINING,
        IMAGES,
        devices=tuple(jax.devices()[:1]),
        slots_per_device=slots,
        num_steps=num_steps,
        directory=directory,
        tell=(heard if heard is not None else []).append,
    )


def test_a_long_work_tries_all_and_the_fastest_is_remembered(tmp_path, monkeypatch):
    heard = []
    first = choose(tmp_path, heard=heard)
    assert len(heard) == len(PACKINGS)
    (file,) = tmp_path.iterdir()
    facts = json.loads(file.read_text())
    total = {name: t["compile_seconds"] + 10**9 * t["seconds_per_step"] for name, t in facts["tried"].items()}
    assert set(total) == set(PACKINGS) and facts["packing"] == first == min(total, key=total.get)

    def forbidden(*_, **__):
        raise AssertionError("measured again")

    monkeypatch.setattr(packing, "measure_packing", forbidden)
    assert choose(tmp_path) == first
    with pytest.raises(AssertionError, match="measured again"):
        choose(tmp_path, slots=3)


def test_a_short_work_is_not_kept_waiting(tmp_path):
    heard = []
    assert choose(tmp_path, num_steps=10, heard=heard) == "one"
    assert heard == ["measuring packing 'one'"]


def test_what_was_chosen_for_a_short_work_is_not_taken_for_a_long_one(tmp_path, monkeypatch):
    seconds = {"one": 3.0, "map": 1.0}
    monkeypatch.setattr(
        packing,
        "measure_packing",
        lambda program, state, name, *_: {"compile_seconds": 0.0, "seconds_per_step": seconds.get(name, 2.0)},
    )
    assert choose(tmp_path, num_steps=10) == "one"
    assert choose(tmp_path, num_steps=9) == "one"
    assert choose(tmp_path) == "map"
    assert choose(tmp_path, num_steps=10) == "map"


def test_where_one_after_another_does_not_fit_the_others_are_tried(tmp_path, monkeypatch):
    def measure(program, state, name, *_):
        if name == "one":
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return {"compile_seconds": 0.0, "seconds_per_step": 1.0 if name == "map" else 2.0}

    monkeypatch.setattr(packing, "measure_packing", measure)
    assert choose(tmp_path) == "map"


def test_one_slot_needs_no_choice(tmp_path):
    assert choose(tmp_path, slots=1) == "one" and not list(tmp_path.iterdir())


def test_a_packing_that_does_not_fit_is_passed_over(tmp_path, monkeypatch):
    def measure(program, state, name, *_):
        if name == "vmap":
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return {"compile_seconds": 0.0, "seconds_per_step": {"one": 3.0, "map": 1.0}.get(name, 2.0)}

    monkeypatch.setattr(packing, "measure_packing", measure)
    assert choose(tmp_path) == "map"
