"""The README's main job, as a user runs it; then the verbs on what it left."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lesion_jax.commands import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
COMMAND = ["paper", "--config", str(ROOT / "configs/smoke.py")]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A finished smoke run."""
    path = tmp_path_factory.mktemp("smoke") / "run"
    command = [sys.executable, "-m", "lesion_jax", *COMMAND, "--workdir", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "min left" in done.stderr and f"Report: {path}/report/report.md" in done.stdout
    assert "lesion-jax build" in done.stdout
    return path


def test_the_report_says_what_was_asked(workdir):
    results = json.loads((workdir / "report/results.json").read_text())
    names = [arm["name"] for arm in results["arms"]]
    assert names == ["none", "classic", "dcgan", "acgan", "acgan_discriminator"]
    n = results["dataset"]["num_lesions"]
    for arm in results["arms"]:
        confusion = np.array(arm["confusion"])
        assert confusion.sum() == arm["n"] == n
        # Every arm was scored on the very same lesions.
        np.testing.assert_array_equal(confusion.sum(1), np.sum(results["arms"][0]["confusion"], axis=1))
        assert arm["accuracy"]["value"] == pytest.approx(np.trace(confusion) / n)
        assert arm["accuracy"]["low"] < arm["accuracy"]["value"] < arm["accuracy"]["high"]
    assert [p["size"] for p in results["classic_curve"] if p["arm"] == "classic"] == [0, 100]
    report = (workdir / "report/report.md").read_text()
    for figure in ("accuracy.png", "confusion.png", "samples.png", "tsne.png"):
        assert figure in report and (workdir / "report" / figure).stat().st_size > 1000


def test_no_training_saw_a_patient_that_it_is_tested_on(workdir):
    folds = json.loads((workdir / "dataset/folds.json").read_text())
    paths = list(workdir.glob("runs/seed0/fold*/*/provenance.json"))
    assert len(paths) == 30
    for path in paths:
        facts, fold = json.loads(path.read_text()), int(path.parents[1].name.removeprefix("fold"))
        allowed = {p for p, f in folds["fold_of"].items() if f != fold} - set(folds["inner"][fold])
        # What the run says it was trained on is what the folds' file, read by other code, allows.
        assert facts["train_fingerprint"] == hashlib.sha256("\n".join(sorted(allowed)).encode()).hexdigest()
        assert bool(facts["parents"]) == ("+" in path.parent.name)
        assert all(parent["train_fingerprint"] == facts["train_fingerprint"] for parent in facts["parents"])


def test_the_same_command_again_trains_nothing_and_says_the_same(workdir, capsys):
    before = {path: path.stat().st_mtime_ns for path in workdir.rglob("runs/**/*") if path.is_file()}
    report = (workdir / "report/results.json").read_bytes()
    assert main([*COMMAND, "--workdir", str(workdir)]) == 0
    assert "was finished" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in workdir.rglob("runs/**/*") if path.is_file()} == before
    assert (workdir / "report/results.json").read_bytes() == report


def test_runs_can_be_scored_and_sampled_by_hand(workdir, capsys, tmp_path):
    run = workdir / "runs/seed0/fold0/classic-100"
    assert main(["evaluate", "--workdir", str(run), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["part"] == "test" and np.sum(scored["confusion"]) == scored["n"]
    gan = workdir / "runs/seed0/fold0/acgan-on-100"
    assert main(["evaluate", "--workdir", str(gan)]) == 0
    out = capsys.readouterr().out
    assert "accuracy" in out and "kernel distance" in out
    bank = tmp_path / "bank"
    sample = ["sample", "--workdir", str(gan), "--out", str(bank)]
    assert main([*sample, "--num", "3"]) == 0
    drawn = (bank / "bank.json").stat().st_mtime_ns
    assert main([*sample, "--num", "3"]) == 0 and (bank / "bank.json").stat().st_mtime_ns == drawn
    assert main([*sample, "--num", "4"]) == 2
    assert f"{bank} exists, with num_per_class 3 where 4" in capsys.readouterr().err
    assert np.load(bank / "images.npy").shape == (9, 32, 32)
    config = [f"--config={ROOT / 'configs/classifier.py'}", f"--config.data.dataset={workdir / 'dataset'}"]
    wrong = [f"--config.data.banks=('{bank}',)", "--config.data.synthetic_size=1", "--config.data.fold=1"]
    small = ["--config.data.image_size=32", "--config.data.classic_size=100", "--config.num_devices=1"]
    assert main(["train", *config, *wrong, *small, f"--workdir={tmp_path / 'run'}"]) == 2
    assert str(bank) in capsys.readouterr().err and not (tmp_path / "run").exists()
