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
    signal.signal(signal.SIGINT, signal.default_int_handler)
    monkeypatch.setattr(preemption, "_received", None)
    monkeypatch.setattr(preemption, "_agree", None)
    with preemption.installed():
        yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    for number, handler in before.items():
        signal.signal(number, handler)


def in_a_process(body, interrupt="default_int_handler"):
    """(status, stdout, lines of stderr) of a process that has taken over its signals."""
    # What a test runner in the background has made of Ctrl-C must not matter.
    script = (
        f"import os, signal\nsignal.signal(2, signal.{interrupt})\n"
        f"from lesion_jax.runtime import preemption\nwith preemption.installed():\n{body}"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr.splitlines()


@pytest.mark.parametrize(
    ("number", "word", "status"),
    [(signal.SIGTERM, "SIGTERM", 75), (signal.SIGUSR1, "SIGUSR1", 75), (signal.SIGINT, "Ctrl-C", 130)],
)
def test_outside_of_a_loop_a_signal_ends_at_once_whatever_would_handle_a_failure(number, word, status):
    body = f"    try: os.kill(os.getpid(), {number.value})\n    finally: print('cleaned up')"
    said = f"lesion-jax: {word} came, so it ended; nothing is lost, and the same command carries on."
    assert in_a_process(body) == (status, "", [said])


def test_inside_a_loop_a_second_ctrl_c_does_not_wait_for_the_step():
    body = (
        "    with preemption.deferred():\n        os.kill(os.getpid(), 2)\n"
        "        print(preemption.requested(), flush=True)\n        os.kill(os.getpid(), 2)\n        print('went on')"
    )
    status, out, (first, second) = in_a_process(body)
    assert (status, out) == (130, "True\n")
    assert "a second one ends it at once" in first and "Ctrl-C came, so it ended" in second


def test_ctrl_c_stays_ignored_where_a_shell_has_the_job_in_the_background():
    status, out, _ = in_a_process("    os.kill(os.getpid(), 2)\n    print('went on')", "SIG_IGN")
    assert (status, out) == (0, "went on\n")


def test_ctrl_c_in_a_loop_is_told_from_a_clusters_signal(monkeypatch):
    with preemption.deferred():
        os.kill(os.getpid(), signal.SIGINT)
        assert preemption.requested()
    with pytest.raises(Preempted, match="Ctrl-C came") as raised:
        preemption.end_if_asked()
    assert raised.value.exit_status == 130


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
