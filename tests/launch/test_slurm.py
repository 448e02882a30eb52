"""The job scripts on a real SLURM: one machine that stands for three nodes, the tiny study, real signals and deaths."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.same_results import differences, results_of
from tests.launch.cluster import NODES, Cluster, wait_until, why_not

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(why_not() is not None, reason=str(why_not()))

ONE, SEVERAL = "train.sbatch", "train_nodes.sbatch"
# Slow ones take two seconds each: longer than SLURM takes until it looks at the time limit again.
NUM_STEPS = 24
FLAGS = [
    "--config.width=2",
    "--config.data.dataset=tiny",
    "--config.data.image_size=32",
    "--config.data.classic_size=40",
    "--config.data.batch_size=8",
    f"--config.loop.duration={NUM_STEPS} steps",
    "--config.loop.log_every=1 steps",
    "--config.loop.evaluate_every=0 steps",
    "--config.loop.checkpoint_every=4 steps",
]


class Job:
    """A training that was submitted from the root of the repository."""

    def __init__(self, cluster, script, workdir, *options, console, slow_starts=0):
        self._cluster, self.workdir, self._output = cluster, workdir, workdir.with_suffix(".out")
        exports = f"--export=ALL,LESION_JAX={console},SLOW_STARTS={slow_starts}"
        command = ["sbatch", "--parsable", f"--chdir={ROOT}", f"--output={self._output}", exports, *options]
        self.id = cluster.ask(*command, ROOT / "launch" / script, "configs/classifier.py", workdir, *FLAGS)

    @property
    def output(self):
        return self._output.read_text() if self._output.exists() else ""

    def wait_for(self, step, restarts=0):
        """Until a step is logged by the start after so many."""

        def reached():
            shown = self._cluster.show(self.id)
            assert shown["JobState"] in ("PENDING", "RUNNING", "COMPLETING", "REQUEUED"), self.output
            return (
                shown["JobState"] == "RUNNING"
                and shown["Restarts"] == str(restarts)
                and _last_step(self.workdir) >= step
            )

        wait_until(reached, 180, f"step {step} after {restarts} restarts")

    def end(self):
        """(state, restarts, exit status) after which it does not come back."""
        shown = self._cluster.finished(self.id, 180)
        return shown["JobState"], int(shown["Restarts"]), int(shown["ExitCode"].partition(":")[0])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def submit(cluster, tmp_path_factory):
    """Submits a training of the tiny study, or what stands for one."""
    folder = tmp_path_factory.mktemp("console")
    cluster.environment |= {
        "PYTHONPATH": str(ROOT),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    training = f'exec {sys.executable} -m tests.launch.console "$@"'

    def submit(script, workdir, *options, slow_starts=0, command=training):
        console = workdir.with_suffix(".sh")
        console.write_text(f"#!/bin/sh\n{command}\n")
        console.chmod(0o755)
        return Job(cluster, script, workdir, *options, console=console, slow_starts=slow_starts)

    return submit


@pytest.fixture(scope="module")
def whole(submit, tmp_path_factory):
    """Script -> directory of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    # Side by side; the name of the first node of several must resolve.
    where = {ONE: NODES[2:], SEVERAL: NODES[:2]}
    jobs = {s: submit(s, folder / s.partition(".")[0], f"--nodelist={','.join(where[s])}") for s in where}
    for job in jobs.values():
        assert job.end() == ("COMPLETED", 0, 0), job.output
    return {script: job.workdir for script, job in jobs.items()}


@pytest.fixture(scope="module")
def limited(cluster, submit, whole, tmp_path_factory):
    """A job whose time is soon over; it takes SLURM half a minute to see that, so other tests go on meanwhile."""
    job = submit(ONE, tmp_path_factory.mktemp("limited") / "run", f"--nodelist={NODES[2]}", slow_starts=1)
    job.wait_for(2)
    # Less than the two minutes that train.sbatch wants to be told before.
    cluster.ask("scontrol", "update", f"JobId={job.id}", "EndTime=now+110")
    return job


def _last_step(workdir):
    path = workdir / "metrics.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return json.loads(lines[-1])["step"] if lines else 0


@pytest.mark.parametrize(("script", "processes"), [(ONE, 1), (SEVERAL, 2)])
def test_a_job_trains_to_the_end(script, processes, whole, limited):
    assert (whole[script] / "DONE").exists() and _last_step(whole[script]) == NUM_STEPS
    devices = json.loads((whole[script] / "provenance.json").read_text())["environment"]["devices"]
    assert (devices["processes"], devices["count"]) == (processes, 2 * processes)


def test_several_processes_are_preempted_then_one_is_killed_and_they_end_the_same(
    cluster, submit, whole, limited, tmp_path
):
    job = submit(SEVERAL, tmp_path / "run", f"--nodelist={NODES[0]},{NODES[1]}", slow_starts=2)
    job.wait_for(2)
    urgent = ["--partition=high", f"--nodelist={NODES[1]}", "--exclusive", "--output=/dev/null", "--wrap=true"]
    cluster.ask("sbatch", *urgent)
    job.wait_for(6, restarts=1)
    assert "ended with status 75, back into the queue" in job.output
    cluster.kill_task(job.id, 1)
    assert job.end() == ("COMPLETED", 2, 0), job.output
    assert "ended with status 137, back into the queue" in job.output
    assert differences(results_of(whole[SEVERAL]), results_of(job.workdir)) == []


def test_a_job_that_runs_out_of_time_saves_and_ends_the_same(whole, limited):
    assert limited.end() == ("COMPLETED", 1, 0), limited.output
    assert "ended with status 75, back into the queue" in limited.output
    assert differences(results_of(whole[ONE]), results_of(limited.workdir)) == []


def test_a_node_fails_and_the_job_ends_the_same_on_the_others(cluster, submit, whole, tmp_path):
    job = submit(SEVERAL, tmp_path / "run", slow_starts=1)
    job.wait_for(6)
    assert cluster.show(job.id)["NodeList"] == f"{NODES[0]},{NODES[1]}"
    cluster.fail_node(NODES[1])
    try:
        assert job.end() == ("COMPLETED", 1, 0), job.output
        assert cluster.show(job.id)["NodeList"] == f"{NODES[0]},{NODES[2]}"
        assert differences(results_of(whole[SEVERAL]), results_of(job.workdir)) == []
    finally:
        cluster.start_node(NODES[1])
        cluster.wait_until_idle()


def test_a_cancelled_job_saves_and_stays_away(cluster, submit, tmp_path):
    workdir = tmp_path / "run"
    save = f"trap 'touch {tmp_path}/saved; exit 75' TERM; touch {tmp_path}/up; while :; do sleep 0.1; done"
    job = submit(ONE, workdir, command=save)
    wait_until((tmp_path / "up").exists, 30, "start")
    cluster.ask("scancel", job.id)
    wait_until((tmp_path / "saved").exists, 30, "save")
    cluster.wait_until_idle()
    assert job.end()[:2] == ("CANCELLED", 0), job.output


@pytest.mark.parametrize("script", [ONE, SEVERAL])
def test_a_diverged_training_does_not_come_back(script, submit, tmp_path):
    assert submit(script, tmp_path / "run", command="exit 3").end() == ("FAILED", 0, 3)
