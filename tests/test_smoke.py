"""The README's main job with trainings of a few steps; then the verbs on what it left."""

import contextlib
import hashlib
import io
import json
from pathlib import Path

import numpy as np
import pytest

from lesion_jax.commands import main

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
# Everything is on the path, and nothing is learnt.
_MODEL = {
    "width": "2",
    "num_devices": "1",
    "data.image_size": "32",
    "data.batch_size": "16",
    "loop.duration": "4 steps",
    "loop.log_every": "2 steps",
    "loop.evaluate_every": "4 steps",
    "loop.checkpoint_every": "4 steps",
    "loop.pictures_every": "0 steps",
}
_GAN = {"discriminator_width": "2", "latent_size": "6", "loop.pictures_every": "4 steps"}
_MODELS = {"classifier": _MODEL, "dcgan": _MODEL | _GAN, "acgan": _MODEL | _GAN}
COMMAND = [
    *("paper", "--config", str(ROOT / "configs/smoke.py"), "--config.phantom_patients_scale=0.25"),
    *("--config.classic_sizes=(0, 20)", "--config.synthetic_sizes=(4,)", "--config.gan_classic_size=20"),
    *(f"--config.models.{model}.{field}={value}" for model in _MODELS for field, value in _MODELS[model].items()),
]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    """A finished run of all arms."""
    path = tmp_path_factory.mktemp("smoke") / "run"
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main([*COMMAND, "--workdir", str(path)])
    assert status == 0, err.getvalue()[-3000:]
    assert "min left" in err.getvalue() and f"Report: {path}/report/report.md" in out.getvalue()
    assert "lesion-jax build" in out.getvalue()
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
    assert [p["size"] for p in results["classic_curve"] if p["arm"] == "classic"] == [0, 20]
    report = (workdir / "report/report.md").read_text()
    for figure in ("accuracy.png", "confusion.png", "samples.png", "tsne.png"):
        assert figure in report and (workdir / "report" / figure).stat().st_size > 1000


def test_no_training_saw_a_patient_that_it_is_tested_on(workdir):
    folds = json.loads((workdir / "dataset/folds.json").read_text())
    paths = list(workdir.glob("runs/seed0/fold*/*/provenance.json"))
    assert len(paths) == 24
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
    run = workdir / "runs/seed0/fold0/classic-20"
    assert main(["evaluate", "--workdir", str(run), "--json"]) == 0
    scored = json.loads(capsys.readouterr().out)
    assert scored["part"] == "test" and np.sum(scored["predictions"]["confusion"]) == scored["n"]
    assert main(["evaluate", "--workdir", str(run), "--json", "--checkpoint=4"]) == 0
    assert json.loads(capsys.readouterr().out)["predictions"] == scored["predictions"] | {"checkpoint": 4}
    assert main(["evaluate", "--workdir", str(run), "--checkpoint=3"]) == 2
    assert "the steps that it holds: 4." in capsys.readouterr().err
    gan = workdir / "runs/seed0/fold0/acgan-on-20"
    assert main(["evaluate", "--workdir", str(gan)]) == 0
    out = capsys.readouterr().out
    assert "Accuracy" in out and "Kernel distance" in out
    bank = tmp_path / "bank"
    sample = ["sample", "--workdir", str(gan), "--out", str(bank)]
    assert main([*sample, "--num", "3"]) == 0
    drawn = (bank / "bank.json").stat().st_mtime_ns
    assert (bank / "bank.png").read_bytes().startswith(b"\x89PNG")
    assert main([*sample, "--num", "3"]) == 0 and (bank / "bank.json").stat().st_mtime_ns == drawn
    assert main([*sample, "--num", "4"]) == 2
    assert f"{bank} exists, with num_per_class 3 where 4" in capsys.readouterr().err
    assert np.load(bank / "images.npy").shape == (9, 32, 32)
    config = [f"--config={ROOT / 'configs/classifier.py'}", f"--config.data.dataset={workdir / 'dataset'}"]
    wrong = [f"--config.data.banks=('{bank}',)", "--config.data.synthetic_size=1", "--config.data.fold=1"]
    small = ["--config.data.image_size=32", "--config.data.classic_size=20", "--config.num_devices=1"]
    assert main(["train", *config, *wrong, *small, f"--workdir={tmp_path / 'run'}"]) == 2
    assert str(bank) in capsys.readouterr().err and not (tmp_path / "run").exists()
