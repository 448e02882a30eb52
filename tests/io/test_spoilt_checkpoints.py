"""What a disk does to checkpoints: spoilt files, full disks, disks that do not answer."""

import shutil
import subprocess
import sys
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.errors import DamagedError, RunError
from lesion_jax.io import checkpoints as module
from lesion_jax.io.checkpoints import Checkpoints
from lesion_jax.io.saved_checkpoints import load_checkpoint
from tests.io.states import assert_same, make_state, steps_on_disk


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
            patch.setattr("orbax.checkpoint.Checkpointer.restore", fails)
            with pytest.raises(RunError, match=r"2 cannot be read now \(.*Too many open files\); try again") as caught:
                checkpoints.restore_last(make_state())
        assert not isinstance(caught.value, DamagedError)
        assert steps_on_disk(tmp_path) == [1, 2]
        assert_same(checkpoints.restore_last(make_state())[1], make_state(2))


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


@pytest.mark.slow
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
