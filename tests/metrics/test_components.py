"""Variance by retraining that folds of few groups show."""

import numpy as np
import pytest

from lesion_jax.metrics.components import _group_variance

G, K, P = 3, 4, 40


@pytest.mark.parametrize("cut_across", [False, True])
def test_the_shifts_of_folds_count_in_full_whatever_folds_the_other_groups_have(cut_across):
    folds = np.tile(np.arange(P) % K, (G, 1))
    if cut_across:
        folds = np.random.default_rng(0).permuted(folds, axis=1)
    # A quadratic form's mean over independent shifts of variance 1 is the sum over shifts of one fold alone.
    found = 0.0
    for g in range(G):
        for k in range(K):
            shifts = np.where((np.arange(G)[:, None] == g) & (folds == k), 1.0, 0.0)
            found += _group_variance(shifts - shifts.mean(0), folds, 0.0)
    assert found == pytest.approx(G * K * (P / K) ** 2 / (G * P) ** 2)


def test_what_each_patient_adds_counts_as_it_is():
    random = np.random.default_rng(1)
    folds = random.permuted(np.tile(np.arange(P) % K, (G, 1)), axis=1)
    both = 1 / (G * P)
    found = []
    for _ in range(2000):
        own = random.standard_normal((G, P))
        found.append(_group_variance(own - own.mean(0), folds, both))
    # Never less than with folds in common, so a little too large.
    assert both < np.mean(found) < 1.2 * both
