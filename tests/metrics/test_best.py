import numpy as np
import pytest

from lesion_jax.errors import DataError
from lesion_jax.metrics.best import over_best
from lesion_jax.metrics.holm import holm
from lesion_jax.metrics.statistics import compare
from lesion_jax.metrics.verdict import decide
from tests.metrics.made_up_runs import random_runs, runs_of

ARM = random_runs(6, 0.85, 1)
BASELINES = {str(share): random_runs(6, share, round(100 * share)) for share in (0.5, 0.7, 0.6)}
FOUND = over_best(ARM, BASELINES, "accuracy")


def test_the_interval_is_of_the_smallest_difference():
    each = {name: compare(ARM, runs, "accuracy") for name, runs in BASELINES.items()}
    assert FOUND.best == "0.7" and FOUND.value == min(one.value for one in each.values()) > 0
    assert FOUND.low == min(one.low for one in each.values())
    # Bonferroni's correction where any difference would do.
    assert FOUND.high == min(one.at(1 - 0.05 / 3).high for one in each.values()) >= each["0.7"].high
    alone = over_best(ARM, {"0.7": BASELINES["0.7"]}, "accuracy")
    assert (alone.low, alone.high, alone.p) == (each["0.7"].low, each["0.7"].high, each["0.7"].p)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.6, 0.68, 0.72, 0.85, 0.97])
@pytest.mark.parametrize("metric", ["accuracy", "log_loss"])
def test_p_is_where_the_interval_reaches_zero(share, metric):
    found = over_best(random_runs(6, share, 7), BASELINES, metric)
    assert 1e-9 < found.p <= 1
    if found.p < 0.9:
        narrow, wide = found.at(1 - 1.05 * found.p), found.at(1 - 0.95 * found.p)
        assert not narrow.low <= 0 <= narrow.high and wide.low < 0 < wide.high
    kept = holm({"a": found, "b": FOUND if metric == "accuracy" else found})["a"]
    assert kept.num_compared == 2 and kept.adjusted_p >= found.p and kept.to_json()["confidence"] >= 0.95


def test_where_less_is_better_the_best_is_the_least():
    found = over_best(ARM, BASELINES, "log_loss")
    each = {name: compare(ARM, runs, "log_loss") for name, runs in BASELINES.items()}
    assert found.best == "0.7" and found.value == max(one.value for one in each.values()) < 0
    assert found.high == max(one.high for one in each.values())


def test_intervals_hold_where_baselines_are_equal_and_where_one_is_best():
    """Of the true difference to the best baseline: 5 % of studies may miss it on average, 10 % by chance of 120."""
    draw = np.random.default_rng(0)
    for shares, truth in (((0.7, 0.7, 0.7), 0.0), ((0.5, 0.6, 0.7), 0.0), ((0.7, 0.7, 0.7), 0.1)):
        inside = below = 0
        for _ in range(120):
            seeds = draw.integers(2**31, size=4)
            some = {str(i): random_runs(8, share, seeds[i]) for i, share in enumerate(shares)}
            found = over_best(random_runs(8, 0.7 + truth, seeds[3]), some, "accuracy")
            inside += found.low <= truth <= found.high
            below += found.low > truth
        assert inside >= 108 and below <= 8, (shares, truth, inside, below)


def test_of_equal_baselines_the_first_is_best_for_every_arm():
    """Their differences to an arm are equal up to rounding, which is another one for each arm."""
    first = random_runs(7, 0.6, 0)
    right = first.probabilities.argmax(2) == first.labels
    for step in range(1, 7):
        equals = {"first": first, "second": runs_of(np.roll(right, step, 0))}
        assert {over_best(random_runs(7, 0.6, draw), equals, "accuracy").best for draw in range(10)} == {"first"}


def test_what_one_baseline_misses_is_missed():
    """A baseline that shares a single retraining with the arm has an interval without retraining."""
    arm, first = random_runs(6, 0.95, 1, folds=None), random_runs(6, 0.5, 2, folds=None)
    found = over_best(arm, {"first": first, "once": random_runs(1, 0.5, 3, folds=None)}, "accuracy")
    assert found.low > 0 and "seeds" not in found.differences["first"].missing
    assert "seeds" in found.missing and decide(found, 0.01) == "cannot tell"


def test_without_a_baseline_there_is_no_best():
    with pytest.raises(DataError, match="no baseline"):
        over_best(ARM, {}, "accuracy")
