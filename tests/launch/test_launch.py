import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from absl import flags

from lesion_jax.commands import sweep, train

LAUNCH = Path(__file__).resolve().parents[2] / "launch"
ARRAY = "array.sbatch"
JOBS = ["train.sbatch", "train_nodes.sbatch", ARRAY]


@pytest.fixture
def environment(tmp_path):
    """A console script and SLURM's commands, of which the first, squeue and scontrol note their arguments."""
    for name, text in {
        "lesion-jax": 'echo "$@" > {0}/trained',
        "srun": 'while [ "${{1#--}}" != "$1" ]; do shift; done\nexec "$@"',
        "squeue": 'echo "$@" > {0}/asked\necho "${{JOB_STATE:-RUNNING}}"',
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


@pytest.fixture
def array_environment(environment):
    """Of the last task of an array, whose number is the array's."""
    return environment | {"SLURM_ARRAY_JOB_ID": "17", "SLURM_ARRAY_TASK_ID": "1"}


def end(tmp_path, environment, script, command, **more):
    """(exit status, whether it went back into the queue) of a job whose training is `command`."""
    (tmp_path / "lesion-jax").write_text(f"#!/bin/sh\n{command}\n")
    words = ["bash", LAUNCH / script, *(["sweep"] if script == ARRAY else []), "c.py", tmp_path / "run"]
    done = subprocess.run(words, env=environment | more, stderr=subprocess.DEVNULL)
    return done.returncode, (tmp_path / "requeued").exists()


@pytest.mark.parametrize("script", ["one_machine.sh", "tpu_pod.sh", "train.sbatch", "train_nodes.sbatch"])
def test_one_training_on_every_device(script, environment, tmp_path):
    command = ["bash", LAUNCH / script, "configs/dcgan.py", "runs/a b", "--config.data.label=cyst"]
    subprocess.run(command, env=environment, check=True)
    expected = "train --config configs/dcgan.py --workdir runs/a b --config.num_devices=0 --config.data.label=cyst"
    if script in ("tpu_pod.sh", "train_nodes.sbatch"):
        expected += " --coordinator=auto"
    assert (tmp_path / "trained").read_text() == expected + "\n"


@pytest.mark.parametrize("verb", ["sweep", "study"])
def test_a_task_of_an_array_trains_one_program_of_a_sweep_or_one_setting_of_a_study(verb, array_environment, tmp_path):
    command = ["bash", LAUNCH / ARRAY, verb, "configs/c.py", "runs/a b", "--config.num_devices=2"]
    subprocess.run(command, env=array_environment, check=True)
    expected = f"{verb} --config configs/c.py --workdir runs/a b --index 1 --config.num_devices=2\n"
    assert (tmp_path / "trained").read_text() == expected


def test_a_task_of_an_array_goes_back_alone(array_environment, tmp_path):
    assert end(tmp_path, array_environment, ARRAY, "exit 75") == (0, True)
    assert (tmp_path / "requeued").read_text() == "requeue 17_1\n"
    assert "--jobs=17_1 " in (tmp_path / "asked").read_text()


def test_a_sweep_that_is_no_array_shows_the_usage_and_fails(environment):
    command = ["bash", LAUNCH / ARRAY, "sweep", "configs/sweep.py", "runs/sweep"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "--array=0-LAST" in done.stderr


@pytest.mark.parametrize("script", ["one_machine.sh", "tpu_pod.sh", *JOBS])
def test_too_few_arguments_show_the_usage_and_fail(script, environment):
    done = subprocess.run(["bash", LAUNCH / script], env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert "CONFIG WORKDIR" in done.stderr


def test_a_process_of_several_nodes_sees_all_gpus_of_its_own(environment, tmp_path):
    write = f'echo "$JAX_LOCAL_DEVICE_IDS" > {tmp_path}/seen'
    end(tmp_path, environment, "train_nodes.sbatch", write, SLURM_GPUS_ON_NODE="4")
    assert (tmp_path / "seen").read_text() == "0,1,2,3\n"
    end(tmp_path, environment, "train_nodes.sbatch", write)
    assert (tmp_path / "seen").read_text() == "\n"


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


@pytest.mark.parametrize("status", [0, 1, 2, 3])
def test_an_ending_that_would_come_again_is_the_jobs(status, environment, tmp_path):
    assert end(tmp_path, environment, "train.sbatch", f"exit {status}") == (status, False)


def test_a_cancelled_job_does_not_come_back(environment, tmp_path):
    assert end(tmp_path, environment, "train.sbatch", "exit 75", JOB_STATE="COMPLETING") == (75, False)


@pytest.mark.parametrize(
    ("script", "checkpoints"), [(s, "cells/0007/checkpoints" if s == ARRAY else "checkpoints") for s in JOBS]
)
def test_what_was_killed_is_queued_again_three_times_and_then_while_it_gets_further(
    script, checkpoints, array_environment, tmp_path
):
    environment, kill = array_environment, "kill -9 $$"
    (tmp_path / "run" / "programs").mkdir(parents=True)
    (tmp_path / "run" / "programs" / "0001.cells").write_text("cells/0006\ncells/0007\n")
    assert end(tmp_path, environment, script, kill, SLURM_RESTART_COUNT="3") == (137, False)
    further = f"mkdir -p {tmp_path}/run/{checkpoints}/100; {kill}"
    assert end(tmp_path, environment, script, further, SLURM_RESTART_COUNT="3") == (0, True)
    (tmp_path / "requeued").unlink()
    assert end(tmp_path, environment, script, further, SLURM_RESTART_COUNT="4") == (137, False)
    assert end(tmp_path, environment, script, kill, SLURM_RESTART_COUNT="2") == (0, True)
    (tmp_path / "requeued").unlink()
    # Another task's progress is not this one's.
    other = f"mkdir -p {tmp_path}/run/cells/0008/checkpoints/100; {kill}"
    assert end(tmp_path, environment, script, other, SLURM_RESTART_COUNT="4") == (137, False)


@pytest.mark.parametrize("name", ["USR1", "TERM"])
def test_a_signal_that_comes_before_python_has_started_queues_the_job_again(name, environment, tmp_path):
    assert end(tmp_path, environment, "train.sbatch", f"kill -{name} $$", SLURM_RESTART_COUNT="9") == (0, True)


@pytest.mark.parametrize(
    ("manifest", "verb", "telling"),
    [
        ("jobset.yaml", train, "--coordinator=auto"),
        ("sweep_job.yaml", sweep, "--index=$(JOB_COMPLETION_INDEX)"),
    ],
)
def test_a_manifest_names_flags_that_exist_and_ends_where_it_would_come_again(manifest, verb, telling):
    job = yaml.safe_load((LAUNCH / manifest).read_text())
    for inner in job["spec"].get("replicatedJobs", []):
        job = inner["template"]
    (container,) = job["spec"]["template"]["spec"]["containers"]
    console, name, *words = container["command"]
    assert (console, name) == ("lesion-jax", verb.__name__.rpartition(".")[2])
    values = flags.FlagValues()
    verb.define_flags(values)
    assert {word[2:].partition("=")[0].partition(".")[0] for word in words} <= set(values)
    assert telling in words
    rule, *_ = job["spec"]["podFailurePolicy"]["rules"]
    assert rule["action"].startswith("Fail")
    assert rule["onExitCodes"]["values"] == [2, 3] and rule["onExitCodes"]["containerName"] == container["name"]
