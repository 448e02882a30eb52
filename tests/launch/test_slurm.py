"""The job scripts on a real SLURM: one machine that stands for five nodes, the tiny cohort, real signals and deaths.

It takes SLURM and the processes that are left up to half a minute each to notice a death or a time limit. So all jobs
are interrupted side by side, before the tests that look at what became of them.
"""

import dataclasses
import itertools
import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.same_results import differences, results_of
from tests.launch.cluster import NODES, Cluster, wait_until, why_not
from tests.launch.job import Job, last_step

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.cluster, pytest.mark.skipif(why_not() is not None, reason=str(why_not()))]

ONE, SEVERAL, ARRAY = "train.sbatch", "train_nodes.sbatch", "array.sbatch"
# Slow ones take two seconds each: longer than SLURM takes until it looks at the time limit again.
NUM_STEPS = 48
_SMALL = {
    "width": "2",
    "data.dataset": "tiny",
    "data.image_size": "32",
    "data.classic_size": "40",
    "data.batch_size": "8",
    "loop.duration": f"{NUM_STEPS} steps",
    "loop.log_every": "1 steps",
    "loop.evaluate_every": "0 steps",
    "loop.checkpoint_every": "4 steps",
}
TRAINING = ["configs/classifier.py", *(f"--config.{field}={value}" for field, value in _SMALL.items())]
# Two widths are two programs.
SWEEP_OF_TWO = [
    "configs/sweep.py",
    *(f"--config.base.{field}={value}" for field, value in _SMALL.items()),
    *("--config.base.discriminator_width=2", "--config.base.latent_size=6", "--config.packing=one"),
    *("--config.base.loop.pictures_every=0 steps", "--config.grid=(('width', (2, 3)), ('seed', (0, 1)))"),
]
# Two settings that try recipes, then one of each scenario.
STUDY = [
    "configs/study_smoke.py",
    *("--config.dataset=tiny", "--config.arms=('none', 'classic')", "--config.cohorts=1", "--config.seeds=(0,)"),
    *(f"--config.scenarios.{name}.classic_size=40" for name in ("few", "all")),
    *("--config.models.classifier.width=2", "--config.models.classifier.data.batch_size=8"),
    "--config.models.classifier.loop.duration=8 steps",
]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def submit(cluster, tmp_path_factory):
    """Submits a training of the tiny cohort, or what stands for one, from the root of the repository."""
    folder = tmp_path_factory.mktemp("console")
    cluster.environment |= {
        "PYTHONPATH": str(ROOT),
        "JAX_COMPILATION_CACHE_DIR": str(folder / "compiled"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    }
    numbers = itertools.count()
    training = f'exec {sys.executable} -m tests.launch.console "$@"'

    def submit(script, workdir, *options, slow_starts=0, command=training, verb="sweep"):
        number = next(numbers)
        console, output, hurry = (workdir.with_suffix(f".{number}.{name}") for name in ("sh", "out", "hurry"))
        console.write_text(f"#!/bin/sh\n{command}\n")
        console.chmod(0o755)
        exports = f"--export=ALL,LESION_JAX={console},SLOW_STARTS={slow_starts},HURRY={hurry}"
        config, *flags = TRAINING if script != ARRAY else STUDY if verb == "study" else SWEEP_OF_TWO
        verbs = [verb] if script == ARRAY else []
        words = ["sbatch", "--parsable", f"--chdir={ROOT}", f"--output={output}", exports, *options]
        name = cluster.ask(*words, ROOT / "launch" / script, *verbs, config, workdir, *flags)
        return Job(cluster, name, workdir, output, hurry)

    return submit


@pytest.fixture(scope="module")
def whole(submit, tmp_path_factory):
    """Script -> directory of a run that nothing interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    # Side by side; the name of the first node of several must resolve.
    where = {ONE: NODES[2:3], SEVERAL: NODES[:2]}
    jobs = {s: submit(s, folder / s.partition(".")[0], f"--nodelist={','.join(where[s])}") for s in where}
    for job in jobs.values():
        assert job.end() == ("COMPLETED", 0, 0), job.output
    return {script: job.workdir for script, job in jobs.items()}


@dataclasses.dataclass
class Interrupted:
    """Jobs, each after the last of what happens to it.

    Attributes:
      limited: Of one process, whose time is soon over.
      killed: Of two processes; it was preempted, came back, and one of them is gone.
      without_node: Of two processes, one of whose nodes is gone.
      unlaunched: Sent to that node before SLURM noticed.
      array: A sweep, of which one task was preempted.
      preempted: Which.
    """

    limited: Job
    killed: Job
    without_node: Job
    unlaunched: Job
    array: Job
    preempted: int


@pytest.fixture(scope="module")
def interrupted(cluster, submit, whole, tmp_path_factory):
    folder = tmp_path_factory.mktemp("interrupted")

    def begin(name, script, *options, slow_starts=1):
        return submit(script, folder / name, *options, slow_starts=slow_starts)

    def take(node, *options):
        """Lets a job that is more urgent take what it asks for, for a moment."""
        cluster.ask("sbatch", "--partition=high", f"--nodelist={node}", "--output=/dev/null", *options, "--wrap=true")

    killed = begin("killed", SEVERAL, f"--nodelist={NODES[0]},{NODES[2]}", slow_starts=2)
    # It may come back on others.
    without_node = begin("without_node", SEVERAL, f"--nodelist={NODES[0]}", f"--exclude={NODES[2]}")
    array = begin("sweep", ARRAY, "--array=0-1", f"--nodelist={NODES[4]}")
    limited = begin("limited", ONE, f"--nodelist={NODES[3]}")

    killed.wait_for(2)
    take(NODES[2], "--exclusive")
    without_node.wait_for(6)
    assert cluster.show(without_node.id)["NodeList"] == f"{NODES[0]},{NODES[1]}"
    cluster.fail_node(NODES[1])
    elsewhere = f"--exclude={','.join(NODES[:1] + NODES[2:4])}"
    unlaunched = submit(ONE, folder / "unlaunched", elsewhere, command="exit 0")
    limited.wait_for(2)
    # Less than the two minutes that train.sbatch wants to be told before.
    cluster.ask("scontrol", "update", f"JobId={limited.id}", "EndTime=now+110")
    tasks = [array.task(0), array.task(1)]
    for index, task in enumerate(tasks):
        task.wait_for(2, run=f"cells/{2 * index:04d}")
    # Half of what the node has.
    take(NODES[4], "--cpus-per-task=8")
    wait_until(lambda: any(task.restarts() for task in tasks), 60, "preemption of a task")
    (preempted,) = (index for index, task in enumerate(tasks) if task.restarts())
    killed.wait_for(6, restarts=1)
    assert "ended with status 75, back into the queue" in killed.output
    cluster.kill_task(killed.id, 1)
    # From here on no job is sent there.
    wait_until(lambda: cluster.state_of(NODES[1]).startswith("down"), 60, "that SLURM notices")
    return Interrupted(limited, killed, without_node, unlaunched, array, preempted)


def _files(directory):
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in directory.rglob("*") if path.is_file()}


@pytest.mark.parametrize(("script", "processes"), [(ONE, 1), (SEVERAL, 2)])
def test_a_job_trains_to_the_end(script, processes, whole):
    assert (whole[script] / "DONE").exists() and last_step(whole[script]) == NUM_STEPS
    devices = json.loads((whole[script] / "provenance.json").read_text())["environment"]["devices"]
    assert (devices["processes"], devices["count"]) == (processes, 2 * processes)


def test_a_program_that_another_task_trains_is_refused(submit, interrupted):
    array, other = interrupted.array, 1 - interrupted.preempted
    rival = submit(ARRAY, array.workdir, f"--array={other}").task(other)
    assert rival.end() == ("FAILED", 0, 2), rival.output
    assert "is being written by process" in rival.output
    array.hurry()


def test_one_task_of_a_sweep_is_preempted_and_resumes_and_the_same_array_again_changes_nothing(submit, interrupted):
    array, workdir = interrupted.array, interrupted.array.workdir
    array.hurry()
    expected = [("COMPLETED", int(index == interrupted.preempted), 0) for index in (0, 1)]
    assert [array.task(index).end() for index in (0, 1)] == expected, array.output
    assert array.output.count("ended with status 75, back into the queue") == 1
    for cell in range(4):
        run = workdir / "cells" / f"{cell:04d}"
        steps = [json.loads(line)["step"] for line in (run / "metrics.jsonl").read_text().splitlines()]
        assert (run / "DONE").exists() and steps == list(range(1, NUM_STEPS + 1))
    before = _files(workdir)
    again = submit(ARRAY, workdir, "--array=0-1")
    assert [again.task(index).end() for index in (0, 1)] == [("COMPLETED", 0, 0)] * 2, again.output
    assert _files(workdir) == before


def test_a_study_is_an_array_and_says_what_it_says_on_one_machine(cluster, submit, tmp_path):
    # Recipes are chosen by what the first two tasks tried.
    for tasks in ((0, 1), (2, 3)):
        job = submit(ARRAY, tmp_path / "array", f"--array={tasks[0]}-{tasks[1]}", verb="study")
        assert [job.task(index).end() for index in tasks] == [("COMPLETED", 0, 0)] * 2, job.output
    runs = _files(tmp_path / "array/runs")
    environment = cluster.environment | {"SLOW_STARTS": "0", "HURRY": str(tmp_path / "hurry")}
    for name in ("array", "whole"):
        words = ["study", "--workdir", tmp_path / name, "--config", *STUDY]
        command = [sys.executable, "-m", "tests.launch.console", *words]
        subprocess.run(command, env=environment, cwd=ROOT, check=True)
        assert (tmp_path / name / "report/report.html").exists()
    assert runs and _files(tmp_path / "array/runs") == runs
    said = [json.loads((tmp_path / name / "report/results.json").read_text()) for name in ("array", "whole")]
    assert said[0]["scenarios"] == said[1]["scenarios"] and said[0]["tuning"] == said[1]["tuning"] != []


def test_several_processes_are_preempted_then_one_is_killed_and_they_end_the_same(interrupted, whole):
    job = interrupted.killed
    assert job.end() == ("COMPLETED", 2, 0), job.output
    assert "ended with status 137, back into the queue" in job.output
    assert differences(results_of(whole[SEVERAL]), results_of(job.workdir)) == []


def test_a_node_fails_and_the_job_ends_the_same_on_the_others(cluster, interrupted, whole):
    job = interrupted.without_node
    assert job.end() == ("COMPLETED", 1, 0), job.output
    assert NODES[1] not in cluster.show(job.id)["NodeList"].split(",")
    assert differences(results_of(whole[SEVERAL]), results_of(job.workdir)) == []


def test_a_job_that_was_sent_to_a_node_that_is_gone_comes_back_with_its_gpus(interrupted):
    job = interrupted.unlaunched
    state, restarts, status = job.end()
    assert (state, status) == ("COMPLETED", 0), job.output
    # None where a slow machine sends the job after SLURM noticed.
    assert restarts in (0, 2)
    assert ("came back without its GPUs, back into the queue" in job.output) == bool(restarts)


def test_a_job_that_runs_out_of_time_saves_and_ends_the_same(interrupted, whole):
    job = interrupted.limited
    assert job.end() == ("COMPLETED", 1, 0), job.output
    assert "ended with status 75, back into the queue" in job.output
    assert differences(results_of(whole[ONE]), results_of(job.workdir)) == []


def test_a_cancelled_job_saves_and_stays_away(cluster, submit, tmp_path):
    workdir = tmp_path / "run"
    # TERM comes from SLURM, and USR1 from the job script that is told too.
    save = f"trap 'touch {tmp_path}/saved; exit 75' TERM USR1; touch {tmp_path}/up; while :; do sleep 0.1; done"
    job = submit(ONE, workdir, command=save)
    wait_until((tmp_path / "up").exists, 30, "start")
    cluster.ask("scancel", job.id)
    wait_until((tmp_path / "saved").exists, 30, "save")
    assert job.end()[:2] == ("CANCELLED", 0), job.output


@pytest.mark.parametrize("script", [ONE, SEVERAL])
def test_a_diverged_training_does_not_come_back(script, submit, tmp_path):
    assert submit(script, tmp_path / "run", command="exit 3").end() == ("FAILED", 0, 3)
