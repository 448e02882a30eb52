import shutil
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lesion_jax.core.state import Network, TrainState
from lesion_jax.errors import DamagedError, RunError
from lesion_jax.io import checkpoint_format as checkpoint
from lesion_jax.io import checkpoints as module
from lesion_jax.io.checkpoints import Checkpoints, best_step, find_note, last_step, load_checkpoint
from lesion_jax.runtime import parallel


def make_state(value=1.0, width=3):
    params = {"dense": {"kernel": jnp.full((2, width), float(value)), "bias": jnp.full((width,), -float(value))}}
    hyper = {"learning_rate": jnp.float32(0.1), "momentum": jnp.float32(0.9), "mean": jnp.float32(0.5)}
    network = Network(params=params, batch_stats={}, opt_state=optax.adam(1e-3).init(params))
    return TrainState(jnp.int32(value), {"classifier": network}, ema={}, hyper=hyper, health={})


def assert_same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def steps_on_disk(directory):
    return sorted(int(path.name) for path in directory.iterdir() if path.name.isdigit())


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


def test_what_four_devices_saved_is_read_where_there_is_one_without_tensorflow_or_writing(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        for step, score in ((7, 1.0), (8, None)):
            state = parallel.replicate(make_state(step), jax.devices())
            checkpoints.save(step, parallel.first_replica(state), score=score)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    script = f"""
import sys, jax, numpy
from lesion_jax.io.checkpoints import load_checkpoint
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


def files_of(checkpoint):
    return sorted(path.relative_to(checkpoint) for path in checkpoint.rglob("*") if path.is_file())


def spoil(path, how):
    content = bytearray(path.read_bytes())
    if how == "flip" and content:
        content[len(content) // 2] ^= 1
    path.write_bytes({"empty": b"", "truncate": content[: len(content) // 2], "flip": content}[how])


@pytest.mark.parametrize("how", ["empty", "truncate", "flip"])
def test_whatever_is_spoilt_the_one_before_is_used_or_nothing_was_lost(how, tmp_path, caplog):
    states = {step: {"x": jnp.arange(10_000, dtype=jnp.float32) * step} for step in (1, 2)}
    whole = tmp_path / "whole"
    with Checkpoints(whole, run="r") as checkpoints:
        for step, state in states.items():
            checkpoints.save(step, state, score=float(step))
    fell_back = 0
    for number, file in enumerate(files_of(whole / "2")):
        spoilt = tmp_path / str(number)
        shutil.copytree(whole, spoilt)
        spoil(spoilt / "2" / file, how)
        caplog.clear()
        for which in ("best", "last"):
            note, arrays = load_checkpoint(spoilt, which)
            step = note.step
            # Never anything else than what was once saved.
            np.testing.assert_array_equal(arrays["x"], states[step]["x"])
            if step == 1:
                assert f"{spoilt}/2 is damaged" in caplog.text and f"{spoilt}/1 is used" in caplog.text
        fell_back += step == 1
        with Checkpoints(spoilt, run="r") as checkpoints:
            assert_same(checkpoints.restore_last(states[1])[1], states[step])
            assert steps_on_disk(spoilt) == [1, 2][:step]
            # Set aside, not thrown away.
            assert (spoilt / "2.damaged").is_dir() == (step == 1)
            if step == 1:
                checkpoints.save(2, states[2], score=2.0)
                assert_same(checkpoints.restore_last(states[1])[1], states[2])
    # Of the files of a checkpoint some hold what nobody reads back, such as times.
    assert fell_back >= 3


def test_a_score_that_was_changed_does_not_make_a_best(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        for step in (1, 2):
            checkpoints.save(step, make_state(step), score=step / 16)
    notes = tmp_path / "1" / "_CHECKPOINT_METADATA"
    assert '"score": 0.0625' in notes.read_text()
    notes.write_text(notes.read_text().replace('"score": 0.0625', '"score": 0.9625'))
    assert load_checkpoint(tmp_path, "best")[0].step == 2


def test_a_checkpoint_under_another_steps_name_is_not_that_step(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        checkpoints.save(1, make_state(1), score=None)
    shutil.copytree(tmp_path / "1", tmp_path / "7")
    assert load_checkpoint(tmp_path, "last")[0].step == 1


def test_nothing_whole_is_said_with_what_to_do(tmp_path):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        checkpoints.save(1, make_state(1), score=None)
    spoil(tmp_path / "1" / "_METADATA", "empty")
    with pytest.raises(DamagedError, match="no whole checkpoint .*1 is damaged.*; bring one back"):
        load_checkpoint(tmp_path, "last")
    with Checkpoints(tmp_path, run="r") as checkpoints, pytest.raises(DamagedError, match="no whole checkpoint"):
        checkpoints.restore_last(make_state(1))
    assert steps_on_disk(tmp_path) == [1]


def test_a_disk_that_does_not_answer_is_no_damage_and_costs_no_checkpoint(tmp_path, monkeypatch):
    with Checkpoints(tmp_path, run="r") as checkpoints:
        for step in (1, 2):
            checkpoints.save(step, make_state(step), score=None)
        checkpoints.wait()

        def fails(*_, **__):
            raise OSError(24, "Too many open files")

        with monkeypatch.context() as patch:
            patch.setattr(checkpoint.ocp.Checkpointer, "restore", fails)
            with pytest.raises(RunError, match=r"2 cannot be read now \(.*Too many open files\); try again") as caught:
                checkpoints.restore_last(make_state())
        assert not isinstance(caught.value, DamagedError)
        assert steps_on_disk(tmp_path) == [1, 2]
        assert_same(checkpoints.restore_last(make_state())[1], make_state(2))


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


def test_a_full_disk_is_one_clear_sentence_and_the_older_checkpoint_is_whole(tmp_path, monkeypatch):
    state = make_state(1)
    with Checkpoints(tmp_path, run="r") as checkpoints:
        checkpoints.save(1, state, score=None)
        checkpoints.wait()

        def fails(*_, **__):
            raise ValueError("RESOURCE_EXHAUSTED: Error writing file: No space left on device [os_error_code='28']")

        with monkeypatch.context() as patch:
            patch.setattr(module, "write_checkpoint", fails)
            checkpoints.save(2, make_state(2), score=None)
            with pytest.raises(RunError, match=r"of 0\.0 MiB could not be written .*no space left .* are whole\."):
                checkpoints.wait()
        assert_same(checkpoints.restore_last(make_state())[1], state)


def test_a_failed_first_save_claims_no_older_checkpoint_and_orbax_is_silent(tmp_path):
    script = f"""
import pathlib, resource, signal
import numpy as np
from lesion_jax.errors import RunError
from lesion_jax.io.checkpoints import Checkpoints
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with Checkpoints(pathlib.Path({str(tmp_path)!r}), run='r') as checkpoints:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
        checkpoints.save(1, {{"x": np.random.default_rng(0).random(10_000)}}, score=None)
        checkpoints.wait()
except RunError as error:
    print(error)
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "JAX_PLATFORMS": "cpu", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("make room, then start again.\n") and done.stdout.count("\n") == 1
