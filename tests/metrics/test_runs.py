import dataclasses

import numpy as np
import pytest

from lesion_jax.errors import DataError
from lesion_jax.metrics.runs import Runs
from tests.metrics.made_up_runs import FOLDS, random_runs

RUNS = random_runs(4, 0.7, 0, partition=[0, 0, 1, 1], seed=[0, 1, 0, 1], folds=np.concatenate([FOLDS, 2 - FOLDS]))


def test_what_is_saved_is_loaded(tmp_path):
    for runs in (RUNS, random_runs(2, 0.7, 0, folds=None)):
        runs.save(tmp_path / "runs.npz")
        loaded = Runs.load(tmp_path / "runs.npz")
        assert loaded.patients == runs.patients and loaded.units == runs.units
        for field in ("probabilities", "labels", "cohort", "partition", "seed", "folds"):
            np.testing.assert_array_equal(getattr(loaded, field), getattr(runs, field))
        assert loaded.probabilities.dtype == np.float32
    assert [path.name for path in tmp_path.iterdir()] == ["runs.npz"]


def test_some_of_the_retrainings():
    some = RUNS.take([3, 0])
    assert some.units == [(0, 1, 1), (0, 0, 0)]
    np.testing.assert_array_equal(some.probabilities[0], RUNS.probabilities[3])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"probabilities": RUNS.probabilities[0]}, r"must be \[retrainings, lesions, classes\]"),
        ({"probabilities": RUNS.probabilities[:, :9]}, r"labels must be \[9\]"),
        ({"probabilities": 2 * RUNS.probabilities}, "no distribution"),
        ({"probabilities": np.full_like(RUNS.probabilities, np.nan)}, "no distribution"),
        ({"labels": RUNS.labels + 1}, "labels go from 1 to 3, but there are 3 classes"),
        ({"seed": RUNS.seed[:3]}, r"seed must be \[4\]"),
        ({"seed": [0, 0, 1, 1]}, "comes twice"),
        ({"partition": [0, 0, 2, 2]}, "row 2 of folds, which has 2"),
        ({"folds": None}, "no folds"),
        ({"folds": RUNS.folds[:, :9]}, r"folds must be \[partitions, 24\]"),
        ({"folds": np.stack([np.arange(24) % 3] * 2)}, "Partition 0 has a patient in two folds"),
    ],
)
def test_what_does_not_fit_together_is_refused(changes, said):
    with pytest.raises(DataError, match=said):
        dataclasses.replace(RUNS, **changes)


def test_a_file_that_is_not_there_damaged_or_of_another_kind_is_refused(tmp_path):
    path = tmp_path / "runs.npz"
    with pytest.raises(DataError, match=r"no file of predictions .*runs\.npz"):
        Runs.load(path)
    RUNS.save(path)
    whole = path.read_bytes()
    middle = len(whole) // 2
    for spoilt in (b"", b"no archive", whole[:middle], whole[: middle - 40] + bytes(80) + whole[middle + 40 :]):
        path.write_bytes(spoilt)
        with pytest.raises(DataError, match=r"runs\.npz"):
            Runs.load(path)
    np.savez(path, probabilities=np.zeros(3))
    with pytest.raises(DataError, match="has the schema 'none'"):
        Runs.load(path)
    np.savez(path, schema="lesion_jax predictions 1", labels=RUNS.labels)
    with pytest.raises(DataError, match=r"lacks cohort, partition, patients, probabilities, seed"):
        Runs.load(path)
    arrays = {field.name: getattr(RUNS, field.name) for field in dataclasses.fields(RUNS)}
    np.savez(path, schema="lesion_jax predictions 1", **{**arrays, "labels": RUNS.labels + 1})
    with pytest.raises(DataError, match=r"runs\.npz: labels go from 1 to 3"):
        Runs.load(path)
