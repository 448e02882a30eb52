"""What a command does in surroundings that are not as usual: go on without, or one sentence and a documented status."""

import io
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lesion_jax.commands import main
from lesion_jax.config import replace
from lesion_jax.disk.lock import locked
from lesion_jax.runtime import parallel
from lesion_jax.sweep.config import SweepConfig
from lesion_jax.sweep.directory import Sweep
from lesion_jax.sweep.status import cell_rows, describe_sweep
from tests.train.tiny import cohort, configs

ROOT = Path(__file__).parents[2]
HELP, WRONG, NOTHING = "show --help", "show --workdir=nowhere", "show"
CLASSIFIER = replace(configs()["classifier"], {"num_devices": 1})
NO_ROOM = "cannot be written ([Errno 28] No space left on device)"


# (what is unusual, in the shell's words; command; exit status; what stderr says)
SURROUNDINGS = [
    # Streams.
    ("2>&-", HELP, 0, ""),
    ("2>/dev/full", WRONG, 2, ""),
    (">&-", WRONG, 2, "nowhere is not the directory of a run"),
    (">/dev/full", HELP, 2, NO_ROOM),
    (">/dev/full 2>/dev/full", HELP, 2, ""),
    ("<&- >&- 2>&-", HELP, 0, ""),
    ("<&- >&- 2>&-", WRONG, 2, ""),
    ("| true", HELP, 141, ""),
    ("PYTHONUNBUFFERED=1 >/dev/full", HELP, 2, NO_ROOM),
    ("HOME= TERM=", HELP, 0, ""),
    ("TERM=dumb NO_COLOR=1 COLUMNS=banana", HELP, 0, ""),
    # Encodings and languages.
    ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0", "show --workdir=Müller", 2, "is not the directory of a run"),
    ("LANG=xx_YY.banana", "show --workdir=Müller", 2, "Müller is not the directory of a run"),
    ("PYTHONIOENCODING=ascii", "show --workdir=Müller", 2, r"M\xfcller is not the directory of a run"),
    ("TZ=Nowhere/Land", NOTHING, 2, "nothing is named"),
    # Places.
    ("HOME=/dev/null XDG_CACHE_HOME=/proc/none", NOTHING, 2, "nothing is named"),
    ("TMPDIR=/dev/full", NOTHING, 2, "nothing is named"),
    ("PATH=", NOTHING, 2, "nothing is named"),
    ("mkdir gone; cd gone; rmdir ../gone;", NOTHING, 2, "nothing is named"),
    ("umask 077;", NOTHING, 2, "nothing is named"),
    ("", f"show --workdir={'a' * 300}", 2, "it cannot be looked for (File name too long)"),
    ("ln -s loop loop;", "show --workdir=loop; rc=$?; rm loop; exit $rc", 2, "(Too many levels of symbolic links)"),
    # Limits.
    ("ulimit -n 64;", WRONG, 2, "nowhere is not the directory of a run"),
    ("ulimit -s 256;", WRONG, 2, "nowhere is not the directory of a run"),
    ("ulimit -v 400000;", HELP, 0, ""),
    ("ulimit -v 400000;", WRONG, 2, "A process may have 391 MiB of addresses here (ulimit -v)"),
    ("ulimit -f 0; ulimit -c 0;", NOTHING, 2, "nothing is named"),
    # Variables of Python, of JAX, of libraries of threads.
    ("PYTHONOPTIMIZE=2", NOTHING, 2, "nothing is named"),
    ("PYTHONWARNINGS=error PYTHONDEVMODE=1", NOTHING, 2, "nothing is named"),
    ("OMP_NUM_THREADS=banana OPENBLAS_NUM_THREADS=-3 MKL_NUM_THREADS=0", WRONG, 2, "nowhere is not the directory"),
    ("JAX_ENABLE_X64=1", WRONG, 2, "JAX_ENABLE_X64 is ignored"),
    ("JAX_RANDOM_SEED_OFFSET=7", WRONG, 2, "JAX_RANDOM_SEED_OFFSET is ignored"),
    ("JAX_LOG_COMPILES=banana", WRONG, 2, "invalid truth value 'banana' for environment 'JAX_LOG_COMPILES'); unset it"),
    ("JAX_LOGGING_LEVEL=banana", WRONG, 2, 'Invalid value "banana" for JAX flag jax_logging_level); unset it'),
    ("XLA_FLAGS=--xla_no_such_flag=1", NOTHING, 2, "(Unknown flag in XLA_FLAGS: --xla_no_such_flag=1); unset it"),
    ("XLA_FLAGS=--xla_dump_hlo_as_text=true", NOTHING, 2, "nothing is named"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("unusual", "words", "status", "said"), SURROUNDINGS)
def test_a_command_ends_as_documented(unusual, words, status, said, tmp_path):
    before, _, rest = unusual.rpartition(";")
    streams = [word for word in rest.split() if "=" not in word]
    settings = [word for word in rest.split() if "=" in word]
    command = f"set -o pipefail; {before};" if before else "set -o pipefail;"
    command += f" {' '.join(settings)} {sys.executable} -m lesion_jax {words} {' '.join(streams)}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True
    )
    err = done.stderr.decode(errors="replace")
    assert (done.returncode, list(tmp_path.iterdir())) == (status, []), err
    assert said in err and "Traceback" not in err
    if not said:
        assert err == ""


class NotebookStream(io.TextIOBase):
    """As ipykernel's: text goes elsewhere, there is no file below it, and nothing to configure."""

    def __init__(self):
        self.text = ""

    def write(self, text):
        self.text += text
        return len(text)


def test_a_notebook_and_a_thread_of_it_may_run_a_command(monkeypatch):
    stream, found = NotebookStream(), []
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", stream)
    # Nobody may take over a signal there.
    thread = threading.Thread(target=lambda: found.append(main(["show", "--help"])))
    thread.start()
    thread.join()
    assert main(["show"]) == 2 and found == [0]
    assert "flags of lesion-jax show" in stream.text and "nothing is named" in stream.text


def test_a_backend_of_matplotlib_for_other_programs_is_nothing_to_pictures(monkeypatch, capsys):
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    assert main(["show"]) == 2
    assert "MPLBACKEND" not in os.environ


def test_links_blanks_and_letters_in_a_path(tmp_path, capsys):
    (tmp_path / "Mü ller").mkdir()
    (tmp_path / "a link").symlink_to(tmp_path / "Mü ller")
    there = tmp_path / "a link" / "Ω;$(x)"
    sweep = Sweep.of(SweepConfig(base=CLASSIFIER, grid=(("seed", (0, 1)),)), there)
    sweep.claim(cohort())
    assert main(["sweep", f"--workdir={there}", "--status", "--collect"]) == 0
    assert f"{there}: 2 cells, 2 waiting" in capsys.readouterr().out and (there / "cells.jsonl").exists()


@pytest.mark.parametrize("place", ["/proc/none", "/dev/null/none"])
def test_a_place_that_takes_nothing_is_one_sentence(place, capsys):
    assert main(["phantom", f"--out={place}/x"]) == 2
    said = capsys.readouterr().err
    # The kernel's own has no room at all.
    assert said.startswith(f"lesion-jax phantom: --out {place}/x ") and said.count("\n") == 1, said
    assert "cannot be written" in said or "0.0 MiB are free" in said


def test_a_clock_that_goes_back_is_no_silence(tmp_path):
    sweep = Sweep.of(SweepConfig(base=CLASSIFIER), tmp_path)
    (tmp_path / "programs").mkdir()
    note = {"done": 4, "total": 8, "rate": 2.0, "time": time.time() + 3600}
    sweep.file(0, "json").write_text(json.dumps(note))
    with locked(sweep.file(0, "lock"), what=tmp_path):
        assert "program 0: 4 of 8 steps, 2 s left" in describe_sweep(sweep, cell_rows(sweep))
    assert "program 0: 4 of 8 steps, not under way" in describe_sweep(sweep, cell_rows(sweep))
    # As of a process that hangs.
    sweep.file(0, "json").write_text(json.dumps(note | {"time": time.time() - 3600}))
    with locked(sweep.file(0, "lock"), what=tmp_path):
        assert "not heard of for 1:00 h" in describe_sweep(sweep, cell_rows(sweep))


def test_a_device_that_is_not_there_is_one_sentence(monkeypatch, capsys, tmp_path):
    def assert_nothing():
        raise AssertionError

    monkeypatch.setattr("jax.devices", assert_nothing)
    words = ["train", f"--config={ROOT}/configs/classifier.py", f"--workdir={tmp_path / 'run'}"]
    assert main([*words, "--config.data.dataset=x"]) == 2
    said = capsys.readouterr().err
    assert "finds no such device that works here (it is not installed); unset it, or set it to cpu." in said
    assert not (tmp_path / "run").exists()


def test_what_jax_says_of_a_device_is_told_once(monkeypatch):
    def refuse():
        raise RuntimeError("Unable to initialize backend 'tpu': no libtpu (set JAX_PLATFORMS='' to ...)")

    monkeypatch.setattr("jax.devices", refuse)
    with pytest.raises(parallel.ConfigError, match=r"\(Unable to initialize backend 'tpu': no libtpu\); unset it"):
        parallel.choose_local_devices(0)
