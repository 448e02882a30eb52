"""Repetitions of a setting are taken together, whatever order the cells are in."""

import dataclasses

import pytest

from lesion_jax.sweep.config import SweepConfig
from lesion_jax.sweep.directory import Sweep
from lesion_jax.sweep.settings import describe_best, score_title, setting_rows
from lesion_jax.sweep.status import cell_rows, describe_sweep
from tests.train.tiny import configs

CLASSIFIER, DCGAN = configs()["classifier"], configs()["dcgan"]
GRID = (("seed", (0, 1, 2)), ("width", (2, 4)))


@pytest.fixture
def sweep(tmp_path):
    return Sweep.of(SweepConfig(base=dataclasses.replace(CLASSIFIER, num_devices=1), grid=GRID), tmp_path)


def scored(sweep, scores):
    return [row | {"score": score} for row, score in zip(cell_rows(sweep), scores, strict=True)]


def test_means_are_over_seeds_and_the_best_setting_comes_first(sweep):
    # Seeds 0, 1, 2 of width 2 have -3, -5 and nothing; those of width 4 have -1, -2, -3.
    best, other = rows = setting_rows(sweep, scored(sweep, [-3.0, -1.0, -5.0, -2.0, None, -3.0]))
    assert best == {"width": 4, "cells": 3, "n": 3, "mean": -2.0, "sd": 1.0, "best_cell": "cells/0001"}
    assert (other["n"], other["mean"], other["sd"]) == (2, -4.0, pytest.approx(2**0.5))
    (told,) = describe_best(sweep, rows)
    assert told == (
        "best of 2 settings by log-likelihood, inner patients: width 4; mean -2, SD 1, n = 3 of 3, cells/0001"
    )


def test_what_has_no_score_comes_last_and_one_alone_has_no_deviation(sweep):
    found = setting_rows(sweep, scored(sweep, [None, -9.0, None, None, None, None]))
    assert [(row["width"], row["n"], row["sd"]) for row in found] == [(4, 1, None), (2, 0, None)]
    waiting = cell_rows(sweep)
    assert describe_best(sweep, setting_rows(sweep, waiting)) == []
    assert "best of" not in describe_sweep(sweep, waiting)
    assert "best of 2 settings" in describe_sweep(sweep, scored(sweep, [-1.0] * 6))


def test_the_score_of_a_generator_is_called_what_it_is(tmp_path):
    config = SweepConfig(base=dataclasses.replace(DCGAN, num_devices=1), grid=(("seed", (0, 1)),))
    assert score_title(Sweep.of(config, tmp_path)) == "minus kernel distance, inner patients"
