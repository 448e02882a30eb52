"""Intervals and paired tests against printed, hand-computed and independent values."""

import numpy as np
import pytest
from scipy import stats

from lesion_jax.metrics import statistics


def test_wilson_gives_the_intervals_derived_from_the_paper():
    assert statistics.wilson(143, 182) == pytest.approx((0.721, 0.839), abs=5e-4)
    assert statistics.wilson(156, 182) == pytest.approx((0.799, 0.901), abs=5e-4)


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (7, 7), (3, 10), (98, 182)])
def test_wilson_agrees_with_scipy(successes, n):
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert statistics.wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_nothing_is_everything_and_of_nonsense_an_error():
    assert statistics.wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match=r"successes is 8.*n = 7"):
        statistics.wilson(8, 7)


def test_mcnemar_by_hand():
    a = np.array([True] * 8 + [False] * 2 + [True] * 5)
    b = np.array([False] * 8 + [True] * 2 + [True] * 5)
    only_a, only_b, p = statistics.mcnemar_exact(a, b)
    # 2 or fewer of 10 heads, twice: 2 * (1 + 10 + 45) / 1024.
    assert (only_a, only_b) == (8, 2)
    assert p == pytest.approx(112 / 1024)
    assert statistics.mcnemar_exact(a, a) == (0, 0, 1.0)


def test_difference_is_bounded_by_the_patients_not_by_the_lesions():
    """Ten copies of each lesion under one patient must not narrow the interval."""
    generator = np.random.default_rng(0)
    a, b = generator.random(60) < 0.8, generator.random(60) < 0.7
    single = statistics.paired_difference(a, b, [f"p{i}" for i in range(60)])
    copied = statistics.paired_difference(a.repeat(10), b.repeat(10), [f"p{i // 10:02d}" for i in range(600)])
    naive = statistics.paired_difference(a.repeat(10), b.repeat(10), [f"p{i}" for i in range(600)])
    assert copied[0] == pytest.approx(single[0]) == pytest.approx(a.mean() - b.mean())
    assert copied[2] - copied[1] == pytest.approx(single[2] - single[1], rel=0.05)
    assert naive[2] - naive[1] < 0.5 * (copied[2] - copied[1])


def test_difference_agrees_with_the_normal_approximation():
    generator = np.random.default_rng(1)
    a, b = generator.random(400) < 0.85, generator.random(400) < 0.75
    value, low, high = statistics.paired_difference(a, b, [str(i) for i in range(400)])
    half = 1.96 * np.std(a.astype(float) - b.astype(float)) / np.sqrt(400)
    assert (low, high) == pytest.approx((value - half, value + half), abs=0.006)
    assert (value, low, high) == statistics.paired_difference(a, b, [str(i) for i in range(400)])


def test_seeds_are_averaged_and_do_not_count_as_lesions():
    generator = np.random.default_rng(2)
    a, b = generator.random(90) < 0.8, generator.random(90) < 0.7
    patients = [str(i // 2) for i in range(90)]
    once = statistics.paired_difference(a, b, patients)
    assert statistics.paired_difference(np.stack([a] * 5), np.stack([b] * 3), patients) == pytest.approx(once)


def test_p_matches_mcnemar_on_independent_lesions_and_grows_in_clusters():
    a = np.array([True] * 14 + [False] * 4 + [True] * 40)
    b = np.array([False] * 14 + [True] * 4 + [True] * 40)
    alone = statistics.paired_p(a, b, [str(i) for i in range(58)])
    assert alone == pytest.approx(statistics.mcnemar_exact(a, b)[2], abs=0.01)
    # All fourteen gains in two patients: two coins that agree say little.
    clustered = statistics.paired_p(a, b, [str(i // 7) for i in range(58)])
    assert clustered > 0.3 > 0.05 > alone


def test_compare_names_everything_and_refuses_another_number_of_patients():
    a = np.array([[True, True, False, True], [True, True, True, True]])
    b = np.array([[True, False, True, True], [False, True, False, True]])
    result = statistics.compare(a, b, ["p", "p", "q", "r"], num_resamples=200)
    assert result["value"] == pytest.approx(7 / 8 - 5 / 8)
    assert (result["gained"], result["lost"]) == (1.5, 0.5)
    assert result["mcnemar_p"] == [1.0, 0.5]
    assert (result["n"], result["num_patients"]) == (4, 3)
    assert result["low"] <= result["value"] <= result["high"]
    with pytest.raises(ValueError, match="4 lesions were scored, but 3 patients"):
        statistics.compare(a, b, ["p", "p", "q"])
