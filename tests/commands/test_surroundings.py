"""What a command does in surroundings that are not as usual: go on without, or one sentence and a documented status."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lesion_jax.commands import main
from lesion_jax.runtime import parallel

ROOT = Path(__file__).parents[2]
HELP, WRONG = "show --help", "show --workdir=nowhere"
NO_ROOM = "cannot be written ([Errno 28] No space left on device)"


# (what is unusual, in the shell's words; command; exit status; what stderr says)
SURROUNDINGS = [
    ("2>&-", HELP, 0, ""),
    ("2>/dev/full", WRONG, 2, ""),
    (">&-", WRONG, 2, "nowhere is not the directory of a run"),
    (">/dev/full", HELP, 2, NO_ROOM),
    (">/dev/full 2>/dev/full", HELP, 2, ""),
    (">&- 2>&- <&-", HELP, 0, ""),
    (">&- 2>&- <&-", WRONG, 2, ""),
    ("LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0", "show --workdir=Müller", 2, "is not the directory of a run"),
    ("PYTHONIOENCODING=ascii", "show --workdir=Müller", 2, r"M\xfcller is not the directory of a run"),
    ("PYTHONUNBUFFERED=1 >/dev/full", HELP, 2, NO_ROOM),
    ("JAX_ENABLE_X64=1", WRONG, 2, "JAX_ENABLE_X64 is ignored"),
    ("JAX_RANDOM_SEED_OFFSET=7", WRONG, 2, "JAX_RANDOM_SEED_OFFSET is ignored"),
    ("HOME= TERM=", HELP, 0, ""),
]


@pytest.mark.slow
@pytest.mark.parametrize(("unusual", "words", "status", "said"), SURROUNDINGS)
def test_a_command_ends_as_documented(unusual, words, status, said, tmp_path):
    settings = [word for word in unusual.split() if "=" in word]
    streams = [word for word in unusual.split() if "=" not in word]
    command = f"{' '.join(settings)} exec {sys.executable} -m lesion_jax {words} {' '.join(streams)}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True
    )
    err = done.stderr.decode(errors="replace")
    assert (done.returncode, list(tmp_path.iterdir())) == (status, []), err
    assert said in err and "Traceback" not in err
    if not said:
        assert err == ""


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
