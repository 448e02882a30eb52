import dataclasses

import numpy as np
import pytest

from lesion_jax.metrics.share import share_of_gain
from lesion_jax.metrics.statistics import compare
from tests.metrics.made_up_runs import random_runs, runs_of

BASELINE, CEILING = random_runs(8, 0.5, 1), random_runs(8, 0.95, 2)


def test_the_ceiling_has_all_of_its_gain_and_the_baseline_none():
    all_of_it = share_of_gain(CEILING, CEILING, BASELINE, "accuracy")
    none = share_of_gain(BASELINE, CEILING, BASELINE, "accuracy")
    assert (all_of_it.value, none.value) == (1, 0)
    # Up to what two arms might differ in that agree everywhere.
    assert 0.9 < all_of_it.low <= 1 <= all_of_it.high < 1.1
    assert -0.1 < none.low <= 0 <= none.high < 0.1


def test_the_ends_are_where_the_contrast_may_just_be_zero():
    """Fieller 1954 by hand: with r at an end, arm - r ceiling - (1 - r) baseline is as far from 0 as its interval."""
    arm = random_runs(8, 0.7, 3)
    found = share_of_gain(arm, CEILING, BASELINE, "accuracy")
    gain, own = (compare(runs, BASELINE, "accuracy").value for runs in (CEILING, arm))
    assert found.value == pytest.approx(own / gain) and found.low < found.value < found.high
    right = [runs.probabilities.argmax(2) == runs.labels for runs in (arm, CEILING, BASELINE)]
    for r in (found.low, found.high):
        contrast = right[0] - r * right[1] - (1 - r) * right[2].astype(float)
        by_patient = contrast.reshape(8, 12, 2).mean(2)
        mean, rows, columns = by_patient.mean(), by_patient.mean(1), by_patient.mean(0)
        both = ((by_patient - columns - rows[:, None] + mean) ** 2).sum() / (7 * 11 * 8 * 12)
        patients = max(0, ((columns - mean) ** 2).sum() / (12 * 11) - both) + 1 / 24**2 / 8
        retraining = ((rows - mean) ** 2).sum() / (8 * 7)
        half = np.hypot(2.201 * patients**0.5, 2.3646 * retraining**0.5)
        assert half == pytest.approx(abs(mean), rel=0.01)


def test_of_a_gain_that_is_none_there_is_no_share():
    assert share_of_gain(CEILING, random_runs(8, 0.5, 4), BASELINE, "accuracy") is None
    worse = share_of_gain(random_runs(8, 0.3, 5), CEILING, BASELINE, "accuracy")
    assert worse.value < 0 and worse.high < 0


def test_wider_confidence_has_a_wider_interval():
    arm = random_runs(8, 0.7, 3)
    narrow, wide = (share_of_gain(arm, CEILING, BASELINE, "accuracy", confidence=level) for level in (0.8, 0.99))
    assert wide.low < narrow.low < narrow.value == wide.value < narrow.high < wide.high


def test_a_ceiling_that_loses_has_no_gain_to_share():
    """An arm that does better than both would be told to have a negative share of it."""
    assert share_of_gain(CEILING, random_runs(8, 0.2, 4), random_runs(8, 0.7, 5), "accuracy") is None
    assert share_of_gain(CEILING, random_runs(8, 0.2, 4), random_runs(8, 0.7, 5), "log_loss") is None
    assert share_of_gain(BASELINE, CEILING, BASELINE, "log_loss").value == 0


def test_one_retraining_of_a_test_set_shows_no_gain_to_share():
    arm, ceiling, baseline = (
        random_runs(1, share, draw, folds=None) for share, draw in ((0.8, 5), (0.95, 2), (0.3, 1))
    )
    assert compare(ceiling, baseline, "accuracy").low > 0
    assert share_of_gain(arm, ceiling, baseline, "accuracy") is None
    # Folds show what retraining does.
    assert share_of_gain(*(random_runs(1, share, 2) for share in (0.8, 0.95, 0.3)), "accuracy") is not None


def test_ends_that_are_far_away_are_cut_off():
    weak = runs_of(np.random.default_rng(6).random((8, 24)) < 0.6)
    found = share_of_gain(CEILING, weak, BASELINE, "accuracy", confidence=0.7)
    assert found.low < found.value < found.high == 10


def test_a_share_beyond_what_is_told_is_told_as_the_farthest():
    """A ceiling may gain little, and surely: what costs or gains far more is many times its gain."""
    draw = np.random.default_rng(1)

    def nearer_the_truth(by):
        share = np.clip(by + 0.1 * abs(by) * draw.standard_normal((8, 24, 1)), -0.9, 0.9)
        end = np.eye(3)[BASELINE.labels] if by > 0 else np.full(3, 1 / 3)
        moved = BASELINE.probabilities + np.abs(share) * (end - BASELINE.probabilities)
        return dataclasses.replace(BASELINE, probabilities=moved)

    ceiling, arm = nearer_the_truth(0.02), nearer_the_truth(0.5)
    found = share_of_gain(arm, ceiling, BASELINE, "log_loss")
    assert (found.value, found.low, found.high) == (10, 10, 10)
    inside = share_of_gain(nearer_the_truth(0.1), ceiling, BASELINE, "log_loss")
    assert 1 < inside.low < inside.value < inside.high < 10
