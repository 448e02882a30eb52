"""Two processes of two devices each train what one process of four devices trains, and end together."""

import dataclasses
import signal
import socket
import time

import jax
import numpy as np
import pytest

from lesion_jax.io.saved_checkpoints import last_step, load_checkpoint
from lesion_jax.train.run import train
from tests.train.tiny import cohort, configs

pytestmark = pytest.mark.slow

# What processes share is the same for every family; a GAN's step on devices is tests/families/test_replicas.py's.
CONFIG = dataclasses.replace(configs()["classifier"], num_devices=0)
# Of these processes; a user's wait for longer.
DEAD_AFTER_SECONDS = 10
# Four numbers are summed in another order, here and there; after eight steps of Adam 2e-6 was seen.
TOLERANCE = {"rtol": 1e-4, "atol": 2e-5}


@pytest.fixture(scope="module")
def tiny():
    return cohort()


@pytest.fixture(scope="module")
def expected(tiny, tmp_path_factory):
    """What one process of four devices comes to."""
    path = tmp_path_factory.mktemp("one") / "run"
    train(CONFIG, path, cohort=tiny)
    return load_checkpoint(path / "checkpoints", "last")


def start_pair(start_training, workdir, signal_at=None, memory=None):
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        address = f"localhost:{probe.getsockname()[1]}"
    return [
        start_training(
            *(workdir, CONFIG.kind, "--num_devices", 2, "--processes", address, 2, number),
            *("--dead_after", DEAD_AFTER_SECONDS),
            *(("--signal_at", *signal_at) if signal_at and number == 1 else ()),
            *(("--memory", memory) if memory is not None and number == 1 else ()),
        )
        for number in (0, 1)
    ]


def assert_same_training(expected, workdir):
    note, arrays = load_checkpoint(workdir / "checkpoints", "last")
    step = note.step
    assert step == expected[0].step == 8
    for wanted, found in zip(jax.tree.leaves(expected[1]), jax.tree.leaves(arrays), strict=True):
        np.testing.assert_allclose(found, wanted, **TOLERANCE)


def test_asked_to_end_two_save_the_same_step_and_one_continues(tiny, expected, start_training, tmp_path):
    # The signal reaches the process that does not write. One of these two has no room for the images, so both stream;
    # all others hold their images.
    pair = start_pair(start_training, tmp_path, (4, signal.SIGTERM.value), memory=0)
    outputs = [process.communicate(timeout=240)[0] for process in pair]
    assert [process.returncode for process in pair] == [75, 75], outputs
    assert 4 < last_step(tmp_path / "checkpoints") < 8
    train(CONFIG, tmp_path, cohort=tiny)
    assert_same_training(expected, tmp_path)


def test_two_continue_what_one_began_and_one_death_ends_both(tiny, expected, start_training, tmp_path):
    half = dataclasses.replace(CONFIG, loop=dataclasses.replace(CONFIG.loop, duration="4 steps"))
    train(half, tmp_path, cohort=tiny)
    pair = start_pair(start_training, tmp_path, (6, signal.SIGKILL.value))
    pair[1].communicate(timeout=240)
    assert pair[1].returncode == -signal.SIGKILL
    start = time.monotonic()
    output, _ = pair[0].communicate(timeout=DEAD_AFTER_SECONDS + 30)
    # The runtime looks for the dead now and then, and then it has to end.
    assert time.monotonic() - start < DEAD_AFTER_SECONDS + 15
    assert pair[0].returncode != 0 and "another" in output, output
    assert not (tmp_path / "DONE").exists()
    train(CONFIG, tmp_path, cohort=tiny)
    assert_same_training(expected, tmp_path)


def test_what_the_first_refuses_ends_both_with_its_reason(start_training, tmp_path):
    # Only the first looks at the directory.
    (tmp_path / "notes.txt").touch()
    pair = start_pair(start_training, tmp_path)
    outputs = [process.communicate(timeout=240)[0] for process in pair]
    assert [process.returncode for process in pair] == [2, 2], outputs
    assert "holds files but no config.json" in outputs[0]
    assert "The first process has refused this run; its message says why." in outputs[1]
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
