"""Whole path on simulated studies whose truth is known; `benchmarks/verdict_simulation.py` has the table."""

import numpy as np
import pytest

from benchmarks.simulated_runs import Simulator, World
from lesion_jax.metrics.statistics import compare
from lesion_jax.metrics.verdict import judge

REPLICATES = 150


@pytest.mark.parametrize(
    "world",
    [
        # Retraining shifts whole folds by much: an interval over patients alone holds 0 in half of the cases.
        World(num_lesions=120, num_seeds=2, shift=1.2),
        World(num_lesions=120, num_seeds=6, shift=1.2),
        World(num_lesions=200, num_partitions=0, num_cohorts=6, shift=0.2, cohort=0.6),
    ],
)
def test_arms_that_are_the_same_seldom_differ(world):
    simulator = Simulator(world)
    found = [compare(*simulator.study((0.0, 0.0)), "accuracy") for _ in range(REPLICATES)]
    # Three standard errors.
    assert np.mean([one.low <= 0 <= one.high for one in found]) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / REPLICATES)
    assert np.mean([judge(one, 0.05).word == "gain" for one in found]) < 0.025 + 3 * np.sqrt(0.025 / REPLICATES)
    # Patients alone, as the first version had it: the sum of both parts less what retraining adds.
    alone = [
        abs(one.value) > 1.96 * np.sqrt(one.components.residual / one.num_patients / one.num_retrainings)
        for one in found
    ]
    assert np.mean(alone) > 0.15


def test_a_large_effect_is_a_gain():
    simulator = Simulator(World(num_seeds=6))
    words = [judge(compare(*simulator.study((1.0, 0.0)), "accuracy"), 0.03).word for _ in range(40)]
    assert words.count("gain") > 35
