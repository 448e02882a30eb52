import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lesion_jax.disk.building import building
from lesion_jax.disk.lock import holder, locked
from lesion_jax.errors import RunError

HOLD = """
import pathlib, sys, time
from lesion_jax.disk.lock import locked
with locked(pathlib.Path(sys.argv[1]), what=pathlib.Path("there")):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def other(tmp_path):
    """Another process that holds tmp_path/.lock."""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", HOLD, str(tmp_path / ".lock")]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_the_second_is_refused_and_the_first_is_named(other, tmp_path):
    refused = pytest.raises(RunError, match=f"runs/a is being written by process {other.pid} on ")
    with refused, locked(tmp_path / ".lock", what=Path("runs/a")):
        pytest.fail("two hold it")
    assert holder(tmp_path / ".lock")["pid"] == other.pid


def test_the_lock_of_a_killed_process_is_no_obstacle(other, tmp_path):
    other.kill()
    other.wait()
    assert json.loads((tmp_path / ".lock").read_text())["pid"] == other.pid
    assert holder(tmp_path / ".lock") is None
    with locked(tmp_path / ".lock", what=tmp_path):
        assert holder(tmp_path / ".lock")["pid"] == os.getpid()
    assert not (tmp_path / ".lock").exists()


def test_looking_does_not_keep_anybody_out(tmp_path):
    # A look takes the lock for an instant; whoever comes then waits a little.
    script = "import pathlib, sys\nfrom lesion_jax.disk.lock import holder\n"
    script += "while True: holder(pathlib.Path(sys.argv[1]))"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    path = tmp_path / ".lock"
    path.touch()
    with subprocess.Popen([sys.executable, "-c", script, str(path)], env=environment) as looking:
        try:
            until = time.monotonic() + 1
            while time.monotonic() < until:
                with locked(path, what=tmp_path):
                    pass
        finally:
            looking.kill()


def test_a_directory_is_made_by_one_at_a_time_and_appears_whole(tmp_path):
    out = tmp_path / "deep" / "out"
    with building(out) as folder:
        (folder / "file").write_text("content")
        with pytest.raises(RunError, match="out is being written by process"), building(out):
            pytest.fail("two make it")
        assert not out.exists()
    assert [path.name for path in out.iterdir()] == ["file"]
    assert [path.name for path in out.parent.iterdir()] == ["out"]


def test_a_directory_that_failed_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), building(tmp_path / "out") as folder:
        (folder / "file").write_text("half")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []
