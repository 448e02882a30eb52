import dataclasses
import math

import pytest

from lesion_jax.errors import Preempted
from lesion_jax.runtime import preemption
from lesion_jax.sweep.config import HalvingConfig, SweepConfig
from lesion_jax.sweep.directory import open_sweep
from lesion_jax.sweep.halving import Halving
from lesion_jax.sweep.run import run_sweep
from lesion_jax.sweep.status import cell_rows
from tests.train.tiny import cohort, configs

CLASSIFIER = dataclasses.replace(configs()["classifier"], num_devices=1)


@pytest.fixture(scope="module")
def tiny():
    return cohort()


def test_a_collapsed_cell_comes_last_at_a_rung(tmp_path):
    rule = Halving(0.5, [[4]] * 3, [0, 1, 2], tmp_path / "rungs.json")
    assert rule([(0, 4, -math.inf), (1, 4, -3.0)]) == {0: "halving: collapsed, score -3 was needed"}
    again = Halving(0.5, [[4]] * 3, [0, 1, 2], tmp_path / "rungs.json")
    assert list(again([(0, 4, -math.inf), (2, 4, -2.0)])) == [0]


@pytest.mark.slow
def test_halving_ends_the_worst_at_a_rung_and_interruption_changes_nothing(tiny, tmp_path, monkeypatch):
    # So far apart that no two scores are equal, which would let both go on.
    rates = (1e-6, 3e-3, 1e-5, 1e-4)
    sweep = SweepConfig(
        base=CLASSIFIER, grid=(("learning_rate", rates),), halving=HalvingConfig(rungs=("50%",), keep=0.5)
    )
    run_sweep(sweep, tmp_path / "whole", cohort=tiny)
    rows = cell_rows(open_sweep(tmp_path / "whole"))
    assert sorted(row["state"] for row in rows) == ["done", "done", "stopped", "stopped"]
    stopped = [row for row in rows if row["state"] == "stopped"]
    assert all(row["step"] == 4 and "halving: score" in row["reason"] for row in stopped)
    kept = min(row["score"] for row in rows if row["state"] == "done")
    assert all(row["score"] <= kept for row in stopped)

    calls = iter(range(10**6))
    monkeypatch.setattr(preemption, "requested", lambda: next(calls) == 5)
    with pytest.raises(Preempted):
        run_sweep(sweep, tmp_path / "broken", cohort=tiny)
    monkeypatch.setattr(preemption, "requested", lambda: False)
    run_sweep(sweep, tmp_path / "broken", cohort=tiny)
    again = cell_rows(open_sweep(tmp_path / "broken"))
    assert [(row["state"], row["score"]) for row in again] == [(row["state"], row["score"]) for row in rows]


@pytest.mark.slow
def test_a_cell_that_was_to_end_when_the_process_died_ends_when_it_carries_on(tiny, tmp_path, monkeypatch):
    rates = (3e-3, 1e-9)
    sweep = SweepConfig(
        base=CLASSIFIER, grid=(("learning_rate", rates),), halving=HalvingConfig(rungs=("50%",), keep=0.5)
    )

    def die(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        # After the decision has been written, before the run says so.
        patch.setattr("lesion_jax.train.loop._Loop._end", die)
        with pytest.raises(KeyboardInterrupt):
            run_sweep(sweep, tmp_path / "s", cohort=tiny)
    assert [row["state"] for row in cell_rows(open_sweep(tmp_path / "s"))] == ["interrupted", "interrupted"]
    run_sweep(sweep, tmp_path / "s", cohort=tiny)
    assert sorted(row["state"] for row in cell_rows(open_sweep(tmp_path / "s"))) == ["done", "stopped"]
