import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lesion_jax.errors import Preempted
from lesion_jax.runtime import preemption


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGUSR1)}
    monkeypatch.setattr(preemption, "_received", None)
    monkeypatch.setattr(preemption, "_agree", None)
    preemption.install()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_outside_of_a_loop_a_signal_ends_at_once_whatever_would_handle_a_failure(number):
    script = f"""
import os
from lesion_jax.runtime import preemption
preemption.install()
try:
    os.kill(os.getpid(), {number.value})
finally:
    print("cleaned up")
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (75, "")
    assert done.stderr == (
        f"lesion-jax: {number.name} came, so it ended; nothing is lost, and the same command carries on.\n"
    )


def test_inside_a_loop_it_waits_to_be_asked_for():
    with preemption.deferred():
        assert not preemption.requested()
        preemption.end_if_asked()
        os.kill(os.getpid(), signal.SIGTERM)
        assert preemption.requested()
    # It came while the loop took its last step: whoever would start another one ends.
    with pytest.raises(Preempted, match="SIGTERM came"):
        preemption.end_if_asked()
    assert Preempted.exit_status == 75


def test_several_processes_end_when_they_agree_and_usr1_tells_them_as_term_does():
    asked = []
    preemption.agree_by(lambda number: asked.append(number) or len(asked) == 5)
    assert [preemption.requested() for _ in range(6)] == [False] * 4 + [True, False]
    # JAX agrees on the number after the highest: were one left out, a call of several steps would miss it.
    assert asked == list(range(asked[0], asked[0] + 6))
    with preemption.deferred():
        os.kill(os.getpid(), signal.SIGUSR1)
    with pytest.raises(Preempted, match="SIGTERM"):
        preemption.end_if_asked()
