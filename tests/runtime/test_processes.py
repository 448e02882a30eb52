"""Four devices of two processes are spread over as four of one are."""

import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.xla import compile_fast

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
SCRIPT = Path(__file__).with_name("one_of_two_processes.py")
# They take 5 to 12 s.
TIMEOUT_S = 90


def free_port():
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def both():
    # The suite's own four fake devices must not be seen.
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    compile_fast(environment=environment)
    port = str(free_port())
    processes = [
        subprocess.Popen(
            [sys.executable, str(SCRIPT), port, str(index)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for index in range(2)
    ]
    # One that fails leaves the other waiting for it.
    watchdog = threading.Timer(TIMEOUT_S, lambda: [process.kill() for process in processes])
    watchdog.start()
    outputs = [process.communicate() for process in processes]
    watchdog.cancel()
    errors = "\n".join(error[-2000:] for _, error in outputs)
    assert [process.returncode for process in processes] == [0, 0], errors
    return [json.loads(out.splitlines()[-1]) for out, _ in outputs]


def test_both_processes_see_the_same_four_devices(both):
    assert [found["owners"] for found in both] == [[0, 0, 1, 1]] * 2


def test_a_process_left_without_a_device_is_refused(both):
    for found in both:
        assert "num_devices is 2, which leaves some of 2 processes without a device" in found["refused"]


def test_each_process_sends_its_own_slices_and_the_mean_is_of_all(both):
    for found in both:
        averaged = found["plain"]["average_replicas"]
        assert averaged["state"] == [[7.0] * 3] * 2 and averaged["first"] == 7.0
        assert averaged["metrics"]["mean"] == 3.5
    assert both[0]["plain"]["alone"]["state"] == [[1.0] * 3, [5.0] * 3]
    assert both[1]["plain"]["alone"]["state"] == [[9.0] * 3, [13.0] * 3]
    assert both[0]["plain"]["average_replicas"]["metrics"] == both[1]["plain"]["average_replicas"]["metrics"]


def test_every_process_sees_the_checksums_of_all_replicas(both):
    for name, num_values in (("average_replicas", 1), ("alone", 4)):
        first, second = (found["plain"][name] for found in both)
        assert first["checksums"] == second["checksums"]
        assert len(first["checksums"]) == 4 and len(set(first["checksums"])) == num_values
        assert len(set(first["checksums_at_start"])) == 1


def test_synchronised_batch_norm_and_its_gradient_reach_over_processes(both):
    for found in both:
        assert found["normalised"]["disagreements"] == []
        assert len(set(found["normalised"]["checksums"])) == 1
