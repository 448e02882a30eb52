import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lesion_jax.runtime import streams


class Full(io.StringIO):
    """A text stream on a disk without room."""

    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_job_goes_on_without_stderr(monkeypatch):
    monkeypatch.setattr(sys, "stderr", Full())
    with streams.guarded():
        assert sys.stderr.write("progress") == 8
        print("more", file=sys.stderr, flush=True)
    assert isinstance(sys.stderr, Full)


def test_an_output_that_is_lost_is_an_error_once(monkeypatch):
    monkeypatch.setattr(sys, "stdout", Full())
    with streams.guarded(), pytest.raises(streams.OutputLostError) as raised:
        print("result")
    assert raised.value.__cause__.errno == errno.ENOSPC


def test_streams_that_are_not_there_are_made_and_what_they_are_else_stays(monkeypatch, capfd):
    monkeypatch.setattr(sys, "stdout", None)
    with streams.guarded():
        assert sys.stdout.fileno() == 1 and not sys.stdout.isatty()
        print("seen", flush=True)
    assert capfd.readouterr().out == "seen\n"


def test_a_file_does_not_get_the_number_of_a_closed_stream(tmp_path):
    """A library would write its warnings into it."""
    script = f"""
import os
from lesion_jax.runtime import streams
os.close(2)
with streams.guarded(), open({str(tmp_path / "data")!r}, "w"):
    os.write(2, b"a warning of XLA")
"""
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", script], env=environment)
    assert done.returncode == 0 and (tmp_path / "data").read_bytes() == b""


def test_text_that_an_encoding_does_not_hold_is_written_with_backslashes(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    with streams.guarded():
        print(Path("/data/Müller"), flush=True)
    assert raw.getvalue() == b"/data/M\\xfcller\n"
