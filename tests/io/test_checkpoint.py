import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lesion_jax.core import parallel
from lesion_jax.core.state import ClassifierHyper, ClassifierState, Network
from lesion_jax.errors import RunError
from lesion_jax.io.checkpoint import Checkpoints, load_arrays


def make_state(value=1.0, width=3):
    params = {"dense": {"kernel": jnp.full((2, width), float(value)), "bias": jnp.full((width,), -float(value))}}
    hyper = ClassifierHyper(*(jnp.float32(x) for x in (0.1, 0.9, 0.5)))
    network = Network(params=params, batch_stats={}, opt_state=optax.adam(1e-3).init(params))
    return ClassifierState(step=jnp.int32(value), classifier=network, hyper=hyper)


def assert_same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


def steps_on_disk(directory):
    return sorted(int(path.name) for path in directory.iterdir() if path.name.isdigit())


def test_a_state_comes_back_to_the_bit_in_its_own_structure(tmp_path):
    state = make_state(3.25)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(3, state, score=None)
        assert_same(checkpoints.restore(3, make_state(0.0)), state)


def test_bfloat16_and_abstract_leaves(tmp_path):
    state = {"a": jnp.arange(5, dtype=jnp.bfloat16), "empty": {}, "nothing": None}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state, score=None)
        abstract = jax.eval_shape(lambda: state)
        restored = checkpoints.restore(1, abstract)
    assert_same(restored, state)
    assert restored["a"].sharding.device_set == {jax.local_devices()[0]}


def test_the_newest_and_the_best_are_kept_and_nothing_else(tmp_path):
    scores = {10: -3.0, 20: -1.0, 30: None, 40: -2.0, 50: None}
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.last_step is None
        assert checkpoints.best_step is None
        for step, score in scores.items():
            checkpoints.save(step, make_state(step), score=score)
        assert (checkpoints.last_step, checkpoints.best_step) == (50, 20)
    assert steps_on_disk(tmp_path) == [20, 50]


def test_of_equal_scores_the_newest_is_the_best(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        for step in (1, 2, 3):
            checkpoints.save(step, make_state(step), score=0.5 if step < 3 else None)
        assert checkpoints.best_step == 2
    assert steps_on_disk(tmp_path) == [2, 3]


def test_a_later_process_knows_last_and_best(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(1), score=2.0)
        checkpoints.save(2, make_state(2), score=1.0)
    with Checkpoints(tmp_path) as checkpoints:
        assert (checkpoints.last_step, checkpoints.best_step) == (2, 1)
        checkpoints.save(3, make_state(3), score=1.5)
    assert steps_on_disk(tmp_path) == [1, 3]


def test_a_score_that_is_not_finite_is_refused(tmp_path):
    with Checkpoints(tmp_path) as checkpoints, pytest.raises(ValueError, match="step 4 is nan"):
        checkpoints.save(4, make_state(), score=float("nan"))


def test_saving_reads_the_state_before_it_is_donated(tmp_path):
    # Donation overwrites the buffer in place: a save that kept a view would hold the next step's numbers.
    step = jax.jit(lambda x: x + 1.0, donate_argnums=0)
    with Checkpoints(tmp_path) as checkpoints:
        state = jnp.zeros(2_000_000)
        for number in range(4):
            checkpoints.save(number, {"x": state}, score=float(number == 0))
            state = step(state)
        checkpoints.wait()
        for number in (0, 3):
            np.testing.assert_array_equal(checkpoints.restore(number, {"x": state})["x"], np.float32(number))


def test_a_replicated_state_is_restored_to_one_device_and_back(tmp_path):
    devices = jax.devices()
    assert len(devices) == 4
    state = make_state(5)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(5, parallel.replicate(state, devices), score=None)
        one = checkpoints.restore(5, make_state(0))
        four = checkpoints.restore(5, parallel.replicate(make_state(0), devices))
    assert_same(one, state)
    for leaf, expected in zip(jax.tree.leaves(four), jax.tree.leaves(state), strict=True):
        assert len(leaf.addressable_shards) == 4
        for shard in leaf.addressable_shards:
            np.testing.assert_array_equal(shard.data, expected)


def test_what_four_devices_saved_is_read_where_there_is_one_without_tensorflow_or_writing(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(7, parallel.replicate(make_state(7), jax.devices()), score=1.0)
        checkpoints.save(8, parallel.replicate(make_state(8), jax.devices()), score=None)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    script = f"""
import sys, jax, numpy
from lesion_jax.io.checkpoint import load_arrays
assert jax.device_count() == 1
for which, expected in (("best", 7), ("last", 8)):
    step, arrays = load_arrays({str(tmp_path)!r}, which)
    assert step == expected
    kernel = arrays["classifier"]["params"]["dense"]["kernel"]
    assert type(kernel) is numpy.ndarray and kernel.dtype == "float32" and (kernel == expected).all()
    assert arrays["classifier"]["opt_state"]["0"]["count"] == 0
assert "tensorflow" not in sys.modules
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "JAX_PLATFORMS": "cpu", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_best_is_the_last_where_none_was_scored(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(6, make_state(), score=None)
    assert load_arrays(tmp_path, "best")[0] == 6


def test_no_checkpoint(tmp_path):
    for directory in (tmp_path / "absent", tmp_path):
        with pytest.raises(RunError, match="holds no checkpoint"):
            load_arrays(directory, "last")
    assert list(tmp_path.iterdir()) == []
    with Checkpoints(tmp_path) as checkpoints, pytest.raises(RunError, match="no checkpoint of that step"):
        checkpoints.restore(3, make_state())


def test_another_network_is_refused_with_the_difference(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(width=3), score=None)
        with pytest.raises(RunError) as caught:
            checkpoints.restore(1, make_state(width=4))
        assert "classifier.params.dense.kernel is float32[2, 3] there and float32[2, 4] here" in str(caught.value)
        smaller = {"step": jnp.int32(0)}
        with pytest.raises(RunError, match=r"hyper\.mean is float32\[\] there and absent here"):
            checkpoints.restore(1, smaller)


@pytest.mark.parametrize("damage", ["truncate", "flip"])
def test_a_damaged_checkpoint_is_never_taken_for_a_whole_one(tmp_path, damage):
    state = {"x": jnp.arange(10_000, dtype=jnp.float32) * 1.7}
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state, score=None)
    largest = max((path for path in (tmp_path / "1").rglob("*") if path.is_file()), key=lambda p: p.stat().st_size)
    content = bytearray(largest.read_bytes())
    assert len(content) > 1000
    content[len(content) // 2] ^= 1
    largest.write_bytes(content if damage == "flip" else b"")
    with pytest.raises(RunError, match="damaged"):
        load_arrays(tmp_path, "last")
    with Checkpoints(tmp_path) as checkpoints, pytest.raises(RunError, match="damaged"):
        checkpoints.restore(1, state)


def test_a_save_that_was_cut_off_is_not_a_checkpoint(tmp_path):
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, make_state(1), score=1.0)
        checkpoints.save(2, make_state(2), score=None)
    # What a kill leaves: Orbax writes into this name and renames.
    (tmp_path / "2").rename(tmp_path / "2.orbax-checkpoint-tmp")
    assert load_arrays(tmp_path, "last")[0] == 1
    with Checkpoints(tmp_path) as checkpoints:
        assert checkpoints.last_step == 1
        checkpoints.save(2, make_state(2.5), score=None)
        assert_same(checkpoints.restore(2, make_state()), make_state(2.5))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2"]


def test_a_full_disk_is_one_clear_sentence_and_the_older_checkpoint_is_whole(tmp_path, monkeypatch):
    state = make_state(1)
    with Checkpoints(tmp_path) as checkpoints:
        checkpoints.save(1, state, score=None)
        checkpoints.wait()

        def fails(*_, **__):
            raise ValueError("RESOURCE_EXHAUSTED: Error writing file: No space left on device [os_error_code='28']")

        with monkeypatch.context() as patch:
            patch.setattr(checkpoints._checkpointer, "save_async", fails)
            with pytest.raises(RunError, match=r"of 0\.0 MiB could not be written .*no space left .* are whole\."):
                checkpoints.save(2, make_state(2), score=None)
        assert_same(checkpoints.restore(1, make_state()), state)


def test_a_failed_first_save_claims_no_older_checkpoint_and_orbax_is_silent(tmp_path):
    script = f"""
import pathlib, resource, signal
import numpy as np
from lesion_jax.errors import RunError
from lesion_jax.io.checkpoint import Checkpoints
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    with Checkpoints(pathlib.Path({str(tmp_path)!r})) as checkpoints:
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
