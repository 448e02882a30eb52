"""Copies of training lesions are dropped from a bank, and told before a generator leaves the house."""

import json
from types import SimpleNamespace

import numpy as np
import pytest

from lesion_jax.config import DataConfig
from lesion_jax.data.augment import original
from lesion_jax.data.bank import load_bank
from lesion_jax.errors import BankError, ConfigError
from lesion_jax.inference import own_copies
from lesion_jax.inference.own_copies import draw_without_copies, warn_of_copies
from lesion_jax.inference.sample import draw_bank
from tests.train import tiny

pytestmark = pytest.mark.slow

DATA = DataConfig(dataset="tiny", image_size=32, window=(-400.0, 400.0))
LESIONS = [lesion for lesion in tiny.cohort().lesions.lesions if lesion.label == 0]


class Copier:
    """Every `every`th image is a training lesion, a little noisy; the others are of the same level and nobody's."""

    run, class_names, labels, config = "runs/gan", ("cyst", "metastasis"), (0,), SimpleNamespace(data=DATA)

    def __init__(self, every):
        self.every = every

    def __call__(self, labels, seed):
        return np.stack([self._image(seed, i) for i in range(len(labels))])

    def is_copy(self, i):
        return i % self.every == 0

    def _image(self, seed, i):
        draw = np.random.default_rng([seed, i])
        if self.is_copy(i):
            image = original(LESIONS[i % len(LESIONS)], 32, DATA.margin) + draw.normal(0, 3, (32, 32))
        else:
            image = draw.normal(-100, 40, (32, 32))
        return np.round(image).astype(np.int16)


def test_copies_are_replaced_by_the_images_that_follow():
    copier = Copier(every=3)
    images, dropped = draw_without_copies(copier, 0, 8, 5, LESIONS)
    drawn = copier(np.zeros(12, int), 5)
    np.testing.assert_array_equal(images, drawn[[i for i in range(12) if not copier.is_copy(i)]][:8])
    assert dropped == 4
    fewer, _ = draw_without_copies(copier, 0, 5, 5, LESIONS)
    np.testing.assert_array_equal(fewer, images[:5])


def test_a_generator_of_copies_alone_makes_no_bank():
    with pytest.raises(BankError, match="runs/gan copies its training lesions: 16 of 16 images of cyst are copies"):
        draw_without_copies(Copier(every=1), 0, 4, 0, LESIONS)


def test_who_exports_is_warned_where_the_training_lesions_are_at_hand(monkeypatch):
    monkeypatch.setattr(own_copies, "own_lesions", lambda run, part: LESIONS)
    assert "draws copies of its training lesions, 34 % of 128 images" in warn_of_copies(Copier(every=3))
    assert warn_of_copies(Copier(every=1000)) is None

    def away(run, part):
        raise OSError

    monkeypatch.setattr(own_copies, "own_lesions", away)
    assert warn_of_copies(Copier(every=1)) is None


def test_a_bank_says_whether_copies_were_dropped_and_is_not_taken_for_the_other(runs, dataset, tmp_path):
    draw_bank(runs["acgan"], 3, tmp_path / "bank", drop_copies=True, dataset=dataset)
    facts = json.loads((tmp_path / "bank/bank.json").read_text())
    assert facts["drop_copies"] and sum(facts["dropped_copies"].values()) >= 0
    assert len(load_bank(tmp_path / "bank").images) == 9
    assert (tmp_path / "bank/bank.png").read_bytes().startswith(b"\x89PNG")
    draw_bank(runs["acgan"], 3, tmp_path / "bank", drop_copies=True, dataset=dataset)
    with pytest.raises(BankError, match="drop_copies True where False is asked for"):
        draw_bank(runs["acgan"], 3, tmp_path / "bank")


def test_a_bank_that_no_machine_holds_is_refused_before_it_is_drawn(runs, tmp_path):
    with pytest.raises(ConfigError, match=r"num is 1000000000000; the images of 3 classes take .* GiB of memory"):
        draw_bank(runs["acgan"], 10**12, tmp_path / "bank")
    assert not list(tmp_path.iterdir())
