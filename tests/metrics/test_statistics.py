"""Paired differences: by hand, by what they must not depend on, and by how often they cover."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from lesion_jax.errors import DataError
from lesion_jax.metrics.components import retraining_df
from lesion_jax.metrics.statistics import compare
from tests.metrics.made_up_runs import FOLDS, PATIENTS, random_runs, runs_of


def test_independent_lesions_and_one_network_have_students_interval():
    patients = tuple(str(i) for i in range(24))
    arm, baseline = (random_runs(1, share, seed, folds=None, patients=patients) for share, seed in ((0.8, 0), (0.5, 1)))
    right = [(runs.probabilities[0].argmax(-1) == runs.labels).astype(float) for runs in (arm, baseline)]
    expected = stats.ttest_rel(*right)
    found = compare(arm, baseline, "accuracy")
    interval = expected.confidence_interval(0.95)
    # One more disagreement among 24 lesions.
    widened = np.sqrt(found.spread.standard_error**2 - 1 / 24**2) / found.spread.standard_error
    assert found.value == pytest.approx(right[0].mean() - right[1].mean())
    assert widened * (found.high - found.value) == pytest.approx(interval.high - found.value)
    assert found.covers == ("patients",) and found.missing == ("seeds", "cohorts")


def test_two_way_variance_of_a_design_by_hand():
    """Three cohorts, a test set: retraining, patients and both as in a table of two ways without repetition."""
    arm, baseline = (random_runs(3, share, seed, folds=None, cohort=[0, 1, 2], seed=[0, 0, 0]) for share, seed in SIDES)
    ours, theirs = ((runs.probabilities.argmax(-1) == runs.labels).astype(float) for runs in (arm, baseline))
    table = (ours - theirs).reshape(3, 12, 2).mean(-1)
    rows, columns = table.mean(1), table.mean(0)
    residual = table - rows[:, None] - columns + table.mean()
    both = np.square(residual).sum() / (2 * 11) / 36
    of_rows, of_columns = rows.var(ddof=1) / 3, columns.var(ddof=1) / 12
    found = compare(arm, baseline, "accuracy")
    (patients, patients_df), (retraining, df) = found.spread.parts
    assert patients == pytest.approx(max(0, of_columns - both) + 1 / 24**2 / 3) and patients_df == 11
    assert retraining == pytest.approx(of_rows) and df == 2
    half = np.sqrt(retraining * stats.t.ppf(0.975, 2) ** 2 + patients * stats.t.ppf(0.975, 11) ** 2)
    assert (found.low, found.high) == pytest.approx((table.mean() - half, table.mean() + half))
    assert found.covers == ("patients", "seeds", "cohorts") and found.missing == ()
    assert found.components.residual == pytest.approx(36 * both)


SIDES = ((0.9, 0), (0.5, 1))


def test_two_retrainings_of_three_folds_have_three_degrees_of_freedom_and_four_have_theirs():
    assert [retraining_df(groups, 3) for groups in (1, 2, 3, 4, 24)] == [2, 3, 6, 3, 23]
    assert [retraining_df(groups, 1) for groups in (1, 2, 24)] == [0, 1, 23]
    for number, df in ((2, 3), (3, 6), (4, 3)):
        found = compare(random_runs(number, 0.8, 0), random_runs(number, 0.6, 1), "accuracy")
        assert found.spread.parts[1][1] == df
        assert found.covers == ("patients", "seeds") and found.missing == ("partitions", "cohorts")


def test_a_fold_that_shifts_widens_the_interval_of_one_seed():
    """The same number of lesions gained, by one fold alone or scattered."""
    wrong = np.zeros((1, 24), bool)
    shifted, scattered = FOLDS == 0, (np.arange(24) % 3 == 0)[None]
    assert shifted.sum() == scattered.sum() == 8
    together, apart = (compare(runs_of(right), runs_of(wrong), "accuracy") for right in (shifted, scattered))
    assert together.value == pytest.approx(apart.value)
    assert together.high - together.low > 1.9 * (apart.high - apart.low)
    assert together.covers == ("patients", "seeds")


def test_a_prior_takes_the_place_of_the_folds():
    arm, baseline = random_runs(1, 0.8, 0), random_runs(1, 0.6, 1)
    plain, known = (
        compare(
            dataclasses.replace(arm, folds=None), dataclasses.replace(baseline, folds=None), "accuracy", prior_sd=sd
        )
        for sd in (None, 0.1)
    )
    assert known.covers == ("patients", "seeds") and known.components.seeds == pytest.approx(0.01)
    assert known.spread.standard_error == pytest.approx(np.hypot(plain.spread.standard_error, 0.1))


def test_cohorts_in_cross_validation_say_whether_partitions_vary():
    both = [random_runs(4, *side, cohort=[0, 0, 1, 1], partition=[0, 0, 0, 0], seed=[0, 1, 0, 1]) for side in SIDES]
    found = compare(*both, "accuracy")
    assert found.covers == ("patients", "seeds", "cohorts") and found.missing == ("partitions",)
    assert (found.num_groups, found.num_seeds, found.num_partitions, found.num_folds) == (2, 2, 1, 1)
    folds = np.concatenate([FOLDS, (FOLDS + 1) % 3, (FOLDS + 2) % 3])
    design = {"folds": folds, "cohort": [0, 0, 0, 1, 1, 1], "partition": [0, 1, 2] * 2, "seed": [0] * 6}
    found = compare(*(random_runs(6, *side, **design) for side in SIDES), "accuracy")
    assert found.covers == ("patients", "seeds", "partitions", "cohorts") and found.missing == ()
    # More partitions than cohorts, and yet cohorts are what repeats the comparison.
    assert (found.num_groups, found.num_seeds, found.num_partitions) == (2, 3, 3)


def test_seeds_of_a_cohort_do_not_count_as_cohorts():
    """Two cohorts of five equal seeds know as much of cohorts as two of one."""
    arm, baseline = (random_runs(2, *side, folds=None, cohort=[0, 1], seed=[0, 0]) for side in SIDES)
    many = [
        dataclasses.replace(
            runs.take(np.repeat([0, 1], 1)),
            probabilities=np.repeat(runs.probabilities, 5, 0),
            cohort=np.repeat([0, 1], 5),
            partition=np.zeros(10),
            seed=np.tile(np.arange(5), 2),
        )
        for runs in (arm, baseline)
    ]
    few, repeated = compare(arm, baseline, "accuracy"), compare(*many, "accuracy")
    assert (repeated.low, repeated.high) == pytest.approx((few.low, few.high))
    assert (repeated.num_retrainings, repeated.num_seeds, repeated.num_cohorts) == (10, 5, 2)


def test_retrainings_are_paired_by_name_and_order_does_not_matter():
    arm, baseline = random_runs(5, 0.8, 0), random_runs(4, 0.6, 1)
    found = compare(arm, baseline, "log_loss")
    again = compare(arm.take([4, 2, 0, 1, 3]), baseline.take([1, 3, 2, 0]), "log_loss")
    assert found.num_retrainings == 4
    assert dataclasses.astuple(again)[2:8] == pytest.approx(dataclasses.astuple(found)[2:8], nan_ok=True)
    # Patients may come in any order, and lesions of one need not be neighbours.
    order = np.random.default_rng(0).permutation(24)
    mixed = [
        dataclasses.replace(
            runs,
            probabilities=runs.probabilities[:, order],
            labels=runs.labels[order],
            patients=tuple(PATIENTS[i] for i in order),
            folds=runs.folds[:, order],
        )
        for runs in (arm, baseline)
    ]
    assert compare(*mixed, "log_loss").high == pytest.approx(found.high)


def test_p_is_one_minus_the_confidence_that_just_reaches_zero():
    found = compare(random_runs(3, 0.9, 0), random_runs(3, 0.6, 1), "accuracy")
    assert 0 < found.p < 1
    assert found.at(1 - found.p).low == pytest.approx(0, abs=1e-4)
    same = random_runs(3, 0.9, 0)
    assert compare(same, same, "accuracy").p == 1.0
    # Equal answers of 24 lesions do not prove equal arms.
    assert compare(same, same, "accuracy").high > 0.02


def test_what_cannot_be_paired_is_refused():
    arm = random_runs(2, 0.8, 0)
    with pytest.raises(DataError, match="other lesions"):
        compare(arm, dataclasses.replace(arm, labels=(arm.labels + 1) % 3), "accuracy")
    with pytest.raises(DataError, match="No \\(cohort, partition, seed\\) is common"):
        compare(arm, dataclasses.replace(arm, seed=[7, 8]), "accuracy")
    with pytest.raises(DataError, match="folds of partition 0 differ"):
        compare(arm, dataclasses.replace(arm, folds=2 - FOLDS), "accuracy")
    alone = random_runs(2, 0.8, 0, patients=("p",) * 24, folds=None)
    with pytest.raises(DataError, match="one patient"):
        compare(alone, alone, "accuracy")


def test_json_holds_everything():
    written = compare(random_runs(3, 0.9, 0), random_runs(3, 0.6, 1), "accuracy").to_json()
    assert {
        "value",
        "low",
        "high",
        "p",
        "covers",
        "missing",
        "components",
        "spread",
        "standard_error",
    } <= written.keys()
