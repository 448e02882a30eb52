"""From outcomes of seeds and folds to differences."""

import dataclasses

import numpy as np
import pytest

from lesion_jax.inference.predict import Predictions, pooled
from lesion_jax.paper.results import differences_of, runs_of
from lesion_jax.paper.selection import Outcome


def part(name, right):
    right = np.asarray(right, float)
    return Predictions(
        lesion_ids=tuple(f"{name}{i}" for i in range(3)),
        patients=(f"{name}p", f"{name}p", f"{name}q"),
        labels=np.zeros(3, int),
        probabilities=np.stack([right, 1 - right], -1),
        features=np.zeros((3, 1)),
        steps=(1,),
    )


def outcomes(*seeds):
    """Two folds, a and b, of each seed."""
    return [[Outcome(None, part("a", first)), Outcome(None, part("b", second))] for first, second in seeds]


ARM = outcomes(([1, 0, 1], [1, 1, 1]), ([1, 1, 1], [1, 1, 1]))
BASELINE = outcomes(([0, 0, 1], [1, 1, 0]), ([1, 1, 1], [1, 0, 1]))


def pools(some):
    return [pooled([outcome.test for outcome in folds]) for folds in some]


def test_runs_hold_every_seed_and_the_fold_of_each_lesion():
    runs = runs_of(ARM, (3, 8))
    assert runs.units == [(0, 0, 3), (0, 0, 8)]
    assert runs.folds.tolist() == [[0, 0, 0, 1, 1, 1]]
    assert runs.probabilities[0, :, 0].tolist() == [1, 0, 1, 1, 1, 1]
    assert runs.patients == ("ap", "ap", "aq", "bp", "bp", "bq")


def test_arms_are_compared_lesion_by_lesion():
    every = {"classic": BASELINE, "dcgan": ARM}
    runs = {name: runs_of(some, (3, 8)) for name, some in every.items()}
    found = differences_of(runs, {name: pools(some) for name, some in every.items()})
    assert found.keys() == {"dcgan"}
    difference = found["dcgan"]
    assert difference["value"] == pytest.approx(11 / 12 - 8 / 12)
    assert (difference["gained"], difference["lost"]) == (1.5, 0.0)
    assert difference["verdict"]["word"] == "cannot tell"
    assert "Classic + DCGAN" in difference["verdict"]["sentence"]


def test_arms_of_other_lesions_or_another_order_are_not_compared():
    every = {"classic": BASELINE, "dcgan": ARM}
    runs = {name: runs_of(some, (3, 8)) for name, some in every.items()}
    mixed = {name: pools(some) for name, some in every.items()}
    mixed["dcgan"][0] = dataclasses.replace(mixed["dcgan"][0], lesion_ids=("x",) * 6)
    with pytest.raises(ValueError, match="different"):
        differences_of(runs, mixed)
