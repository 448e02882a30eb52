import dataclasses

import pytest
from scipy import stats

from lesion_jax.metrics.holm import holm
from lesion_jax.metrics.statistics import compare
from tests.metrics.made_up_runs import random_runs

BASELINE = random_runs(6, 0.5, 99)
DIFFERENCES = {
    name: compare(random_runs(6, share, 1), BASELINE, "accuracy")
    for name, share in (("large", 0.95), ("none", 0.5), ("middle", 0.75), ("small", 0.65))
}


def with_p(*values):
    return {str(i): dataclasses.replace(DIFFERENCES["none"], p=p) for i, p in enumerate(values)}


def test_adjusted_p_by_hand():
    """Holm 1979: 4 x 0.005, then 3 x 0.01; 2 x 0.03 = 0.06 fails, and the largest is at least that."""
    found = holm(with_p(0.01, 0.04, 0.03, 0.005))
    assert [one.adjusted_p for one in found.values()] == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert {one.num_compared for one in found.values()} == {4}
    # Held to 0.05 / 4, 0.05 / 3, and both that are left to the level at which one failed.
    levels = [1 - one.confidence for one in found.values()]
    assert levels == pytest.approx([0.05 / 3, 0.05 / 2, 0.05 / 2, 0.05 / 4])


def test_one_arm_is_not_adjusted():
    one = DIFFERENCES["middle"]
    alone = holm({"middle": one})["middle"]
    assert (alone.low, alone.high, alone.adjusted_p) == pytest.approx((one.low, one.high, one.p))


def test_intervals_exclude_zero_exactly_where_the_adjusted_p_says_so():
    found = holm(DIFFERENCES)
    assert list(found) == list(DIFFERENCES)
    excluded = {name for name, one in found.items() if not one.low <= 0 <= one.high}
    assert excluded == {name for name, one in found.items() if one.adjusted_p < 0.05}
    assert "large" in excluded and "none" not in excluded
    # At worst all are held to Bonferroni's level.
    for name, one in found.items():
        assert one.value == DIFFERENCES[name].value
        assert DIFFERENCES[name].high <= one.high <= DIFFERENCES[name].at(1 - 0.05 / 4).high + 1e-12


def test_quantiles_are_students():
    one = DIFFERENCES["large"]
    (patients, patients_df), (retraining, df) = one.spread.parts
    t = [stats.t.ppf(1 - 0.05 / 8, degrees) for degrees in (patients_df, df)]
    half = (patients * t[0] ** 2 + retraining * t[1] ** 2) ** 0.5
    assert holm(DIFFERENCES)["large"].high - one.value == pytest.approx(half)
