import os
import signal

import pytest

from lesion_jax.core import preemption
from lesion_jax.errors import Preempted


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
def test_outside_of_a_loop_a_signal_ends_at_once_and_no_handler_of_failures_swallows_it(number):
    def work():
        try:
            os.kill(os.getpid(), number)
        except Exception:
            pytest.fail("taken for a failure")

    with pytest.raises(Preempted, match=f"{number.name} came"):
        work()
    assert Preempted.exit_status == 75


def test_inside_a_loop_it_waits_to_be_asked_for():
    with preemption.deferred():
        assert not preemption.requested(1)
        os.kill(os.getpid(), signal.SIGTERM)
        assert preemption.requested(2)
    with pytest.raises(Preempted):
        os.kill(os.getpid(), signal.SIGTERM)


def test_several_processes_end_when_they_agree_and_usr1_tells_them_as_term_does():
    preemption.agree_by(lambda step: step == 5)
    assert [step for step in range(8) if preemption.requested(step)] == [5]
    with pytest.raises(Preempted, match="SIGTERM"):
        os.kill(os.getpid(), signal.SIGUSR1)
