"""A training and what is restored of it do not depend on what a script has set for JAX."""

import contextlib
import dataclasses

import jax
import numpy as np
import pytest

from lesion_jax import restore_generator
from lesion_jax.io.saved_checkpoints import find_note
from lesion_jax.train.run import train
from tests.train.tiny import cohort, configs

OTHERS = {"jax_enable_x64": True, "jax_default_prng_impl": "rbg", "jax_threefry_partitionable": False}


@contextlib.contextmanager
def others():
    before = {name: getattr(jax.config, name) for name in OTHERS}
    try:
        for name, value in OTHERS.items():
            jax.config.update(name, value)
        yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)


@pytest.mark.slow
def test_weights_and_pictures_are_the_same_bits(tmp_path):
    config, labels = dataclasses.replace(configs()["acgan"], num_devices=1), np.array([0, 1, 2])
    train(config, tmp_path / "usual", cohort=cohort())
    usual = restore_generator(tmp_path / "usual")(labels, seed=3)
    with others():
        train(config, tmp_path / "other", cohort=cohort())
        other = restore_generator(tmp_path / "other")(labels, seed=3)
    notes = [find_note(tmp_path / name / "checkpoints", "last") for name in ("usual", "other")]
    assert notes[0] and notes[1] and notes[0].step == 8 and notes[0].digest == notes[1].digest
    np.testing.assert_array_equal(usual, other)
