"""Saving and reading back: to the bit, on any devices, best and last, and what is kept."""

import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.errors import RunError
from lesion_jax.io.checkpoints import Checkpoints
from lesion_jax.io.saved_checkpoints import best_step, find_note, last_step, load_checkpoint
from lesion_jax.runtime import parallel
from tests.io.states import assert_same, make_state, steps_on_disk


def test_a_state_comes_back_to_the_bit_in_its_own_structure(tmp_path):
    state = make_state(3.25)
    with Checkpoints(tmp_path, run="r") as checkpoints:
        assert checkpoints.restore_last(make_state(0.0)) is None
        checkpoints.save(3, state, score=None)
        assert_same(checkpoints.restore_last(make_state(0.0))[1], state)


def test_bfloat16_and_abstract_leaves(tmp_path):
    state = {"a": jnp.arange(5, dtype=jnp.bfloat16), "empty": {}, "nothing": None}
    with Checkpoints(tmp_path, run="r") as checkpoints:
        checkpoints.save(1, state, score=None)
        assert_same(checkpoints.restore_last(jax.eval_shape(lambda: state))[1], state)


def test_the_last_two_and_the_best_are_kept_and_nothing_else(tmp_path):
    scores = {10: -3.0, 20: -1.0, 30: None, 40: -2.0, 50: None}
    with Checkpoints(tmp_path, run="r") as checkpoints:
        for step, score in scores.items():
            checkpoints.save(step, make_state(step), score=score)
    assert steps_on_disk(tmp_path) == [20, 40, 50]
    assert (last_step(tmp_path), best_step(tmp_path)) == (50, 20)


def test_of_equal_scores_the_newest_is_the_best(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        for step in (1, 2, 3, 4):
            checkpoints.save(step, make_state(step), score=0.5 if step < 3 else None)
    assert best_step(tmp_path) == 2
    assert steps_on_disk(tmp_path) == [2, 3, 4]


def test_what_a_signal_made_it_save_goes_when_a_later_one_is_there(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        for step in (1, 2):
            checkpoints.save(step, make_state(step), score=None)
        checkpoints.save(3, make_state(3), score=None, scheduled=False)
    assert steps_on_disk(tmp_path) == [1, 2, 3]
    with Checkpoints(tmp_path, run="r") as checkpoints:
        checkpoints.save(4, make_state(4), score=None)
    # What an uninterrupted run holds.
    assert steps_on_disk(tmp_path) == [2, 4]


def test_a_later_process_knows_last_and_best(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        checkpoints.save(1, make_state(1), score=2.0)
        checkpoints.save(2, make_state(2), score=1.0)
    with Checkpoints(tmp_path, run="r") as checkpoints:
        assert_same(checkpoints.restore_last(make_state())[1], make_state(2))
        for step in (3, 4):
            checkpoints.save(step, make_state(step), score=1.5)
    assert steps_on_disk(tmp_path) == [1, 3, 4]


def test_a_score_that_is_not_finite_is_refused(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints, pytest.raises(ValueError, match="step 4 is nan"):
        checkpoints.save(4, make_state(), score=float("nan"))


def test_saving_reads_the_state_before_it_is_donated(tmp_path):
    # Donation overwrites the buffer in place: a save that kept a view would hold the next step's numbers.
    step = jax.jit(lambda x: x + 1.0, donate_argnums=0)
    with Checkpoints(tmp_path, run="r") as checkpoints:
        state = jnp.zeros(2_000_000)
        for number in range(4):
            checkpoints.save(number, {"x": state}, score=float(number == 0))
            state = step(state)
    for which, number in (("best", 0), ("last", 3)):
        note, arrays = load_checkpoint(tmp_path, which)
        step_taken = note.step
        assert step_taken == number
        np.testing.assert_array_equal(arrays["x"], np.float32(number))


@pytest.mark.parametrize("num_saving", [1, 2, 4])
@pytest.mark.parametrize("num_restoring", [1, 2, 4])
def test_what_some_devices_saved_any_others_restore(num_saving, num_restoring, tmp_path):
    state = make_state(5)
    with Checkpoints(tmp_path, run="r") as checkpoints:
        replicated = parallel.replicate(state, jax.devices()[:num_saving])
        checkpoints.save(5, parallel.first_replica(replicated), score=None)
        restored = parallel.replicate(checkpoints.restore_last(make_state(0))[1], jax.devices()[:num_restoring])
    for leaf, expected in zip(jax.tree.leaves(restored), jax.tree.leaves(state), strict=True):
        assert len(leaf.addressable_shards) == num_restoring
        for shard in leaf.addressable_shards:
            np.testing.assert_array_equal(shard.data, expected)


@pytest.mark.slow
def test_what_four_devices_saved_is_read_where_there_is_one_without_tensorflow_or_writing(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        for step, score in ((7, 1.0), (8, None)):
            state = parallel.replicate(make_state(step), jax.devices())
            checkpoints.save(step, parallel.first_replica(state), score=score)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    script = f"""
import sys, jax, numpy
from lesion_jax.io.saved_checkpoints import load_checkpoint
assert jax.device_count() == 1
for which, expected in (("best", 7), ("last", 8)):
    note, arrays = load_checkpoint({str(tmp_path)!r}, which)
    step = note.step
    assert step == expected
    kernel = arrays["networks"]["classifier"]["params"]["dense"]["kernel"]
    assert type(kernel) is numpy.ndarray and kernel.dtype == "float32" and (kernel == expected).all()
    assert arrays["networks"]["classifier"]["opt_state"]["0"]["count"] == 0
assert "tensorflow" not in sys.modules
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "JAX_PLATFORMS": "cpu", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_best_is_the_last_where_none_was_scored(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        checkpoints.save(6, make_state(), score=None)
    assert load_checkpoint(tmp_path, "best")[0].step == 6


def test_no_checkpoint(tmp_path):
    for directory in (tmp_path / "absent", tmp_path):
        with pytest.raises(RunError, match="holds no checkpoint"):
            load_checkpoint(directory, "last")
        assert (last_step(directory), best_step(directory), find_note(directory, "last")) == (None, None, None)
    assert list(tmp_path.iterdir()) == []


def test_another_network_is_refused_with_the_difference(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        checkpoints.save(1, make_state(width=3), score=None)
        with pytest.raises(RunError) as caught:
            checkpoints.restore_last(make_state(width=4))
        assert "classifier.params.dense.kernel is float32[2, 3] there and float32[2, 4] here" in str(caught.value)
        smaller = {"step": jnp.int32(0)}
        with pytest.raises(RunError, match=r"hyper\.mean is float32\[\] there and absent here"):
            checkpoints.restore_last(smaller)


def test_a_checkpoint_of_another_run_is_refused(tmp_path):
    for step, run in ((1, "a" * 64), (7, "b" * 64)):
        with Checkpoints(tmp_path / run[0], run=run) as checkpoints:
            checkpoints.save(step, make_state(step), score=None)
    shutil.copytree(tmp_path / "b" / "7", tmp_path / "a" / "7")
    with pytest.raises(RunError, match=r"7 was written by another run \(bbbbbbbbbbbb\)"):
        load_checkpoint(tmp_path / "a", "last", run="a" * 64)
    assert steps_on_disk(tmp_path / "a") == [1, 7]


def test_the_last_healthy_one_is_kept_and_returned_to(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        for step, is_healthy in ((1, True), (2, True), (3, None), (4, False), (5, None)):
            checkpoints.save(
                step, make_state(step), score=None, is_healthy=is_healthy, collapse="at 4" if step > 3 else None
            )
        checkpoints.wait()
        assert steps_on_disk(tmp_path) == [2, 4, 5]
        assert find_note(tmp_path, "last").collapse == "at 4"
        checkpoints.return_to_healthy()
        assert steps_on_disk(tmp_path) == [2]


def test_what_a_user_keeps_there_stays_and_is_no_step(tmp_path):
    (tmp_path / "40.keep").mkdir()
    (tmp_path / "99").touch()
    with Checkpoints(tmp_path, run="r") as checkpoints:
        assert checkpoints.restore_last(make_state()) is None
    assert last_step(tmp_path) is None and (tmp_path / "40.keep").is_dir()


def test_what_a_kill_leaves_is_no_checkpoint_and_is_removed(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        for step in (1, 2, 3):
            checkpoints.save(step, make_state(step), score=-float(step))
    # While it is written, and while it is removed.
    (tmp_path / "3").rename(tmp_path / "3.orbax-checkpoint-tmp")
    (tmp_path / "2").rename(tmp_path / "2.removing")
    assert load_checkpoint(tmp_path, "last")[0].step == 1
    with Checkpoints(tmp_path, run="r") as checkpoints:
        assert_same(checkpoints.restore_last(make_state())[1], make_state(1))
        checkpoints.save(2, make_state(2.5), score=None)
        assert_same(checkpoints.restore_last(make_state())[1], make_state(2.5))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]
