import json
import os

import numpy as np
import pytest

from lesion_jax.errors import RunError
from lesion_jax.io.checkpoint_format import digest
from lesion_jax.io.checkpoints import Checkpoints
from lesion_jax.io.run_directory import RunDirectory
from lesion_jax.io.summary import describe_run, summarise

CONFIG = {"kind": "dcgan", "seed": 3, "data": {"fold": 1}}
PROVENANCE = {
    "dataset_fingerprint": "d" * 64,
    "parents": [{"run": "runs/gan", "step": 40, "seed": 7}],
    "environment": {
        "git": {"commit": "c0ffee", "dirty": True},
        "versions": {"jax": "9.9"},
        "python": "3.11",
        "devices": {"kind": "cpu", "count": 4},
        "xla_flags": "--xla_some_flag",
        "argv": ["lesion-jax", "train"],
    },
}
ARRAYS = {"x": np.arange(4.0)}


def open_run(path):
    return RunDirectory.open(path, config=CONFIG, provenance=PROVENANCE)


@pytest.fixture
def run(tmp_path):
    """An interrupted run with three checkpoints and a picture."""
    with open_run(tmp_path / "run") as run, Checkpoints(run.checkpoints, run=run.identity) as checkpoints:
        for step, score in ((10, 0.5), (20, 0.25), (30, None)):
            checkpoints.save(step, ARRAYS | {"step": np.int32(step)}, score=score)
        run.samples.mkdir()
        (run.samples / "samples_00000010.png").touch()
    return run


def test_it_says_what_made_it_and_what_came_of_it(run):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    summary = summarise(run.path)
    assert (summary["kind"], summary["state"]) == ("dcgan", "interrupted")
    assert summary["last"] == {"step": 30, "score": None, "digest": digest(ARRAYS | {"step": np.int32(30)})}
    assert summary["best"] == {"step": 10, "score": 0.5}
    assert summary["provenance"] == PROVENANCE | {"identity": run.identity} and summary["config"] == CONFIG
    text = describe_run(summary)
    for fact in (
        "interrupted",
        "step 30",
        "step 10, score 0.5",
        str(run.samples / "samples_00000010.png"),
        "commit c0ffee with changes",
        "--xla_some_flag",
        "jax 9.9",
        "kind cpu",
        "d" * 16,
        "bank of runs/gan, step 40, seed 7",
        "seed: 3",
        "fold: 1",
        summary["last"]["digest"][:16],
    ):
        assert fact in text, fact
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before
    assert json.loads(json.dumps(summary)) == summary


def test_how_it_ended(run):
    run.mark_failed("Step 3: loss is nan")
    assert summarise(run.path)["state"] == "failed" and "loss is nan" in describe_run(summarise(run.path))
    run.mark_done({"steps": 30, "collapse": "Step 30: the GAN has collapsed."})
    assert summarise(run.path)["state"] == "done" and "has collapsed" in describe_run(summarise(run.path))


def test_who_is_writing(run):
    with open_run(run.path):
        summary = summarise(run.path)
        assert summary["state"] == "running" and summary["detail"]["pid"] == os.getpid()
    assert summarise(run.path)["state"] == "interrupted"


def test_a_protocol_counts_its_trainings(run, tmp_path):
    for name in ("a", "b"):
        with open_run(tmp_path / "paper" / "runs" / name) as training:
            training.mark_done({})
    with RunDirectory.open(tmp_path / "paper2", config={"kind": "paper"}, provenance={}):
        pass
    (tmp_path / "paper" / "runs").rename(tmp_path / "paper2" / "runs")
    run.path.rename(tmp_path / "paper2" / "runs" / "c")
    summary = summarise(tmp_path / "paper2")
    assert summary["runs"] == {"done": 2, "interrupted": 1}
    assert "trainings: 2 done, 1 interrupted" in describe_run(summary)


def test_what_is_no_run_or_damaged_is_said(run, tmp_path):
    with pytest.raises(RunError, match="not the directory of a run"):
        summarise(tmp_path)
    # As `train` takes it: a spoilt DONE says nothing.
    (run.path / "DONE").write_text("")
    (run.checkpoints / "20" / "_CHECKPOINT_METADATA").write_text("{")
    summary = summarise(run.path)
    assert summary["state"] == "interrupted" and summary["damaged"] == [20]
    assert "damaged checkpoints: step 20" in describe_run(summary)
