import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lesion_jax.commands import VERBS, main
from lesion_jax.disk.lock import locked

CONFIGS = Path(__file__).parents[2] / "configs"
CONFOUNDED = [
    *("phantom", "--dataset", "--out=x", "--num_lesions=cyst=2,hemangioma=2"),
    *("--num_test_lesions=cyst=2,hemangioma=2", "--test_dose=0.5"),
]


def test_without_a_verb_the_verbs_are_listed(capsys):
    assert main([]) == 2
    assert main(["--help"]) == 0
    out = capsys.readouterr().out
    assert all(verb in out for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_every_verb_names_its_flags(verb, capsys):
    assert main([verb, "--help"]) == 0
    out = capsys.readouterr().out
    assert importlib.import_module(f"lesion_jax.commands.{verb}").__doc__.strip() in out
    flags = out.split(f"flags of lesion-jax {verb}:")[1]
    assert "--" in flags
    if "--config" in flags:
        # Of every training, and of a family; the protocol's models have their own.
        of_models = verb in ("paper", "study")
        assert ("--config.models" if of_models else "--config.data.fold = 0") in flags
        assert ("--config.models" if of_models else "--config.class_weight") in flags


@pytest.mark.parametrize(
    ("argv", "message"),
    [
        (["trian"], "no verb 'trian'"),
        (["train", "--wrkdir=x"], "wrkdir"),
        (["train"], "--config is missing"),
        (["train", "--config=configs", "--workdir=x"], "configs cannot be read"),
        (["sample", "--workdir=", "--num=3", "--out=bank"], "empty"),
        (["train", "--config=configs/none.py", "--workdir=x"], "configs/none.py"),
        (["train", "--config=configs/dcgan.py", "--workdir=x", "--config.widht=3"], "widht"),
        (["train", "--config=configs/dcgan.py", "--workdir=x", "--config.width=ten"], "ten"),
        (["train", "--config=configs/smoke.py", "--workdir=x"], "lesion-jax paper"),
        (["paper", "--config=configs/dcgan.py", "--workdir=x"], "lesion-jax train"),
        (["sample", "--workdir=nowhere", "--num=3", "--out=bank"], "nowhere"),
        (["evaluate", "--workdir=nowhere"], "nowhere"),
        (["show", "--workdir=nowhere"], "nowhere"),
        (["show", "--dataset=nowhere"], "The dataset nowhere is not there"),
        (["show", "--bank=nowhere"], "Bank nowhere does not exist"),
        (["show"], "nothing is named; name one of --workdir, --dataset and --bank"),
        (["show", "--dataset=x", "--bank=y"], "--dataset and --bank are given; name one of"),
        (["build", "--input=configs"], "--out is missing"),
        (["build", "--input=configs", "--out=x", "--contact_sheet=y"], "--contact_sheet goes with --dry_run"),
        (["build", "--input=configs", "--dry-run", "--contact-sheet=configs"], "--contact_sheet configs exists and is"),
        (["build", "--input=configs", "--dry-run", "--num-folds=1"], "num_folds is 1"),
        (["train", "--config=configs/dcgan.py", "--workdir=x", "--num_processes=2"], "need --coordinator"),
        (["train", "--config=configs/dcgan.py", "--workdir=x", "--coordinator=localhost:1"], "give all three"),
        (
            ["train", "--config=configs/dcgan.py", "--workdir=x", "--coordinator=localhost:1"]
            + ["--num_processes=2", "--process_id=2"],
            "lies in [0, 2)",
        ),
        (["export", "--workdir=nowhere", "--out=export"], "nowhere is not the directory of a run"),
        (["export", "--workdir=nowhere", "--out=configs"], "configs exists"),
        (["export", "--workdir=nowhere", "--out=configs/dcgan.py/export"], "dcgan.py is not a directory"),
        (["export", "--workdir=nowhere"], "--out is missing"),
        (["export", "--workdir=nowhere", "--out=export", "--checkpoint=first"], "must be best, last or a step"),
        (["train", "--config=configs/dcgan.py", "--workdir=configs/dcgan.py"], "dcgan.py is a file"),
        (["paper", "--config=configs/smoke.py", "--workdir=configs/dcgan.py/x"], "dcgan.py is a file"),
        (["sweep", "--config=configs/sweep.py", "--workdir=configs/dcgan.py"], "dcgan.py is a file"),
        (["show", "--workdir=configs/dcgan.py"], "not the directory of a run: it is a file"),
        (["sweep", "--workdir=x"], "--config is missing"),
        (["sweep", "--config=configs/dcgan.py", "--workdir=x"], "kind 'dcgan'"),
        (["sweep", "--config=configs/sweep.py", "--workdir=x"], "base.data.dataset"),
        (["sweep", "--workdir=x", "--status"], "not the directory of a sweep"),
        (["train", "--config=configs/sweep.py", "--workdir=x"], "kind 'sweep'; run it with `lesion-jax sweep`"),
        (["train", "--config=configs/study_desk.py", "--workdir=x"], "kind 'study'; run it with `lesion-jax study`"),
        (["study", "--config=configs/smoke.py", "--workdir=x"], "kind 'paper'; run it with `lesion-jax paper`"),
        (["sweep", "--config=configs/study_desk.py", "--workdir=x"], "kind 'study'; run it with `lesion-jax study`"),
        (["plan", "--config=configs/paper.py"], "lesion-jax phantom"),
        (["phantom", "--out=x", "--num_lesions=cyst"], "has 'cyst'; write each class once"),
        (["phantom", "--out=x", "--num_lesions=cyst=2,boil=1"], "names 'boil'"),
        (["phantom", "--out=x", "--num_lesions=cyst=1000000000000"], "1000000 are the most"),
        (["phantom", "--out=x", "--dose=100"], "scanner.dose is 100.0"),
        (["phantom", "--out=x", "--num_test_lesions=cyst=2"], "goes with --dataset"),
        (["phantom", "--dataset", "--out=x", "--test_dose=0.5"], "give its size with --num_test_lesions"),
        (["phantom", "--dataset", "--out=x", "--test_scanner_shares=cyst=1"], "give its size with --num_test_lesions"),
        ([*CONFOUNDED, "--test_dose=1", "--test_scanner_shares=cyst=1"], "say how it differs"),
        ([*CONFOUNDED, "--test_scanner_shares=cyst"], "has 'cyst'; write each class once, as in cyst=0.05"),
        ([*CONFOUNDED, "--test_scanner_shares=cyst=half,hemangioma=1"], "has cyst=half; a share is a number"),
        ([*CONFOUNDED, "--test_scanner_shares=cyst=1"], "names cyst; give one for each of cyst, hemangioma"),
        ([*CONFOUNDED, "--test_scanner_shares=cyst=5,hemangioma=1"], "has cyst=5.0; shares lie from 0 to 1"),
        ([*CONFOUNDED, "--num_folds=3"], "--num_folds would mix the test set"),
        ([*CONFOUNDED, "--num_lesions=cyst=-1"], "has cyst=-1; a number of lesions is whole"),
        (["phantom", "--dataset", "--out=configs"], "--out configs exists and is not an empty directory"),
        (["plan", "--config=configs/dcgan.py"], "data.dataset"),
        (["plan", "--config=configs/rpgan.py:dsek"], "configs/rpgan.py has no 'dsek'; the text at its head"),
        (["plan", "--config=configs/inpaint.py:dsek"], "configs/inpaint.py has no 'dsek'"),
        (["plan", "--config", "configs/paper.py:studdy"], "configs/paper.py has no 'studdy'"),
        (["plan", "--config=configs/control.py:nope"], "configs/control.py has no 'nope'"),
        (["plan", "--config=configs/study_desk.py:nope"], "configs/study_desk.py has no 'nope'"),
        (["plan", "--config=configs/sweep.py:nope"], "configs/sweep.py has no 'nope'"),
        (["reader", "--out=x"], "--dataset is missing"),
        (["reader", "--out=x", "--dataset=nowhere"], "--bank is missing"),
        (["reader", "--out=x", "--dataset=nowhere", "--bank=bank"], "The dataset nowhere is not there"),
        (["reader", "--out=configs", "--dataset=nowhere", "--bank=bank"], "configs exists"),
        (["reader", "--out=x", "--dataset=nowhere", "--bank=bank", "--window=5"], "LOW,HIGH"),
        (["reader", "--score=a.json"], "--key is missing"),
        (["reader", "--score", "a.json", "b.json", "--key=nowhere"], "--key nowhere cannot be read"),
        (["reader", "surplus", "--out=x"], "surplus"),
        (["train", "surplus", "--config=configs/dcgan.py", "--workdir=x"], "surplus"),
    ],
)
def test_bad_words_end_in_one_sentence_and_status_2(argv, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "configs").symlink_to(CONFIGS)
    assert main(argv) == 2
    err = capsys.readouterr().err
    assert message in err and "Traceback" not in err
    assert {p.name for p in tmp_path.iterdir()} == {"configs"}


@pytest.mark.parametrize(
    ("verb", "lock"), [("train", ".lock"), ("paper", ".lock"), ("study", ".lock"), ("sweep", "programs/0003.lock")]
)
def test_what_another_process_writes_is_refused_before_anything_is_read(verb, lock, capsys, tmp_path, monkeypatch):
    def read(*_):
        raise AssertionError

    monkeypatch.setattr(f"lesion_jax.commands.{verb}.config_of", read)
    (tmp_path / "run" / "programs").mkdir(parents=True)
    words = [verb, f"--config={CONFIGS}/classifier.py", f"--workdir={tmp_path / 'run'}"]
    with locked(tmp_path / "run" / lock, what=tmp_path):
        assert main(words) == 2
        assert f"is being written by process {os.getpid()} on" in capsys.readouterr().err
    with pytest.raises(AssertionError):
        main(words)


def test_the_entry_points_run():
    done = subprocess.run([sys.executable, "-m", "lesion_jax", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "paper" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "has_plugin", "is_on"), [([], True, True), (["--nodeterministic"], True, False), ([], False, False)]
)
def test_gpus_are_deterministic_unless_told_otherwise(words, has_plugin, is_on, tmp_path):
    script = f"""
import os, sys
from lesion_jax.commands import main
sys.argv = ["lesion-jax"]
status = main(["train", "--config={CONFIGS}/dcgan.py", "--workdir={tmp_path}/x", *{words}])
assert status == 2  # data.dataset is empty: refused after the flag was applied
words = os.environ["XLA_FLAGS"].split()
assert words[0] == "--xla_force_host_platform_device_count=1"
assert ("--xla_gpu_deterministic_ops=true" in words) is {is_on}
"""
    if has_plugin:
        plugin = tmp_path / "jax_plugins" / "xla_cuda13"
        plugin.mkdir(parents=True)
        (plugin / "__init__.py").touch()
    path = f"{CONFIGS.parent}{os.pathsep}{tmp_path}"
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=1", "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and "data.dataset is empty" in done.stderr, done.stderr


@pytest.mark.slow
def test_xla_knows_the_flag_of_deterministic():
    environment = os.environ | {"XLA_FLAGS": "--xla_gpu_deterministic_ops=true", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", "import jax; jax.devices()"]
    assert subprocess.run(command, env=environment, capture_output=True).returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("words", [["--help"], ["show", "--help"], ["show", "--workdir=nowhere"], ["trian"]])
@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_reader_that_goes_away_ends_a_command_quietly(words, closed, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, closed: writing}
    environment = os.environ | {"PYTHONPATH": str(CONFIGS.parent)}
    command = [sys.executable, "-m", "lesion_jax", *words]
    done = subprocess.run(command, env=environment, cwd=tmp_path, text=True, check=False, **streams)
    os.close(writing)
    # What goes wrong is said on stderr: who does not read it has the status.
    is_help = "--help" in words
    assert done.returncode == (141 if is_help and closed == "stdout" else 0 if is_help else 2)
    assert "Traceback" not in f"{done.stdout} {done.stderr}" and "BrokenPipe" not in f"{done.stdout} {done.stderr}"


def test_a_pipe_that_breaks_elsewhere_is_no_reader_that_went_away(monkeypatch):
    def breaks(_):
        raise BrokenPipeError("between two processes")

    monkeypatch.setattr("lesion_jax.commands.show.run", breaks)
    with pytest.raises(BrokenPipeError, match="between two processes"):
        main(["show", "--workdir=x"])
