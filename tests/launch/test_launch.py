import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

LAUNCH = Path(__file__).resolve().parents[2] / "launch"


@pytest.fixture
def environment(tmp_path):
    """A console script and an scontrol that note their arguments; the first then works for SECONDS_EACH."""
    for name, text in {
        "lesion-jax": 'echo "$@" > {0}/trained\nexec sleep "${{SECONDS_EACH:-0}}"',
        "scontrol": 'echo "$@" > {0}/requeued',
    }.items():
        path = tmp_path / name
        path.write_text("#!/bin/sh\n" + text.format(tmp_path) + "\n")
        path.chmod(0o755)
    return os.environ | {
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "SLURM_SUBMIT_DIR": str(LAUNCH.parent),
        "SLURM_JOB_ID": "17",
    }


@pytest.mark.parametrize("script", ["one_machine.sh", "train.sbatch"])
def test_one_training_on_every_device(script, environment, tmp_path):
    command = ["bash", LAUNCH / script, "configs/dcgan.py", "runs/a b", "--config.data.label=cyst"]
    subprocess.run(command, env=environment, check=True)
    expected = "train --config configs/dcgan.py --workdir runs/a b --config.num_devices=0 --config.data.label=cyst\n"
    assert (tmp_path / "trained").read_text() == expected


@pytest.mark.parametrize("script", ["one_machine.sh", "train.sbatch"])
def test_too_few_arguments_show_the_usage_and_fail(script, environment):
    done = subprocess.run(["bash", LAUNCH / script], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "CONFIG WORKDIR" in done.stderr


def test_the_exit_status_of_the_training_is_the_jobs(environment, tmp_path):
    (tmp_path / "lesion-jax").write_text("#!/bin/sh\nexit 3\n")
    done = subprocess.run(["bash", LAUNCH / "train.sbatch", "c.py", "w"], env=environment)
    assert done.returncode == 3
    assert not (tmp_path / "requeued").exists()


@pytest.mark.parametrize("number", [signal.SIGUSR1, signal.SIGTERM])
def test_a_job_that_runs_out_of_time_lets_its_training_save_and_is_queued_again(number, environment, tmp_path):
    # Saves for a while, and says 75.
    script = "import signal, sys, time, pathlib\n"
    script += "def end(*_): time.sleep(0.3); pathlib.Path('{0}/saved').touch(); sys.exit(75)\n"
    script += "signal.signal(signal.SIGUSR1, end); pathlib.Path('{0}/trained').touch(); time.sleep(60)"
    script = script.format(tmp_path)
    (tmp_path / "lesion-jax").write_text(f'#!/bin/sh\nexec {sys.executable} -c "{script}"\n')
    command = ["bash", LAUNCH / "train.sbatch", "c.py", "w"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as job:
        while not (tmp_path / "trained").exists():
            time.sleep(0.01)
        job.send_signal(number)
        assert job.wait(timeout=10) == 0
    assert (tmp_path / "saved").exists()
    assert (tmp_path / "requeued").read_text() == "requeue 17\n"


def test_a_killed_training_is_not_queued_again(environment, tmp_path):
    (tmp_path / "lesion-jax").write_text("#!/bin/sh\nkill -9 $$\n")
    done = subprocess.run(["bash", LAUNCH / "train.sbatch", "c.py", "w"], env=environment, stderr=subprocess.DEVNULL)
    assert done.returncode == 137
    assert not (tmp_path / "requeued").exists()


def test_a_signal_that_comes_before_python_has_started_queues_the_job_again(environment, tmp_path):
    (tmp_path / "lesion-jax").write_text("#!/bin/sh\nkill -USR1 $$\n")
    done = subprocess.run(["bash", LAUNCH / "train.sbatch", "c.py", "w"], env=environment, stderr=subprocess.DEVNULL)
    assert done.returncode == 0
    assert (tmp_path / "requeued").read_text() == "requeue 17\n"
