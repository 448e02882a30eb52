import importlib.util
import json
import os
import runpy
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.simulated_runs import Simulator, World

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]
BENCHMARKS = CHECKOUT / "benchmarks"


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Runs a script as `python benchmarks/SCRIPT --out ... FLAGS` would: (rows, what it printed)."""
    monkeypatch.syspath_prepend(BENCHMARKS)
    monkeypatch.chdir(tmp_path)
    # Of the scripts that change it, to be put back.
    monkeypatch.setenv("XLA_FLAGS", os.environ["XLA_FLAGS"])

    def run(script, *flags):
        out = tmp_path / "rows.json"
        monkeypatch.setattr(sys, "argv", [script, "--out", str(out), *flags])
        capsys.readouterr()
        # Not a process of its own: importing JAX and flax takes longer than most of what is measured.
        runpy.run_path(str(BENCHMARKS / script), run_name="__main__")
        return read(out), capsys.readouterr().out

    return run


def run_apart(script, out, *flags):
    """The same in a process of its own, for compilers and threads of other frameworks."""
    # Another compiler may not know what the suite tells XLA.
    xla = "--xla_backend_optimization_level=0"
    environment = {**os.environ, "XLA_FLAGS": xla}
    command = [sys.executable, str(BENCHMARKS / script), "--out", str(out), *flags]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=out.parent, env=environment)
    return read(out), done.stdout


def read(out):
    written = json.loads(out.read_text())
    assert written["hardware"] and written["versions"]["jax"] and written["date"] and str(out) in written["command"]
    assert written["load"].keys() == {"before", "after", "others"} and {"commit", "dirty"} <= written.keys()
    out.unlink()
    return written["rows"]


def check(rows, table):
    for row in rows:
        assert row["low"] <= row["value"] <= row["high"] and row["repeats"] >= 1
        assert row["missed"] == (row["ratio"] < row["must"])
        assert row["value"] > 0 and row["ratio"] > 0 and row["unit"] in ("ms", "s", "%", "images/s")
        assert row["measure"] in table and row["peer"] in table


def test_step_throughput(run):
    sizes = ("--width", "2", "--batch_size", "4", "--image_size", "32", "--repeats", "2")
    rows, table = run("step_throughput.py", *sizes)
    check(rows, table)
    assert [row["measure"].split(",")[0] for row in rows] == ["DCGAN step", "classifier step"]
    assert all(", W = 2, batch 4, 32 x 32, float32, 1 x cpu" in row["measure"] for row in rows)
    assert not list(Path.cwd().iterdir())


def test_peer_throughput(tmp_path):
    pytest.importorskip("torch")
    sizes = ("--sizes", "4:32", "--repeats", "2", "--eager")
    rows, table = run_apart(
        "peer_throughput.py", tmp_path / "peer.json", "--cell", "DCGAN:2", "--cell", "classifier:2", *sizes
    )
    check(rows, table)
    assert [row["must"] for row in rows] == [1.0, 1.0]
    assert all("eager" in row["peer"] for row in rows)


@pytest.mark.slow
def test_training_throughput(tmp_path):
    pytest.importorskip("torch")
    cells = ("--cell", "DCGAN:2:8:32:20", "--cell", "classifier:2:8:32:20")
    flags = (*cells, "--repeats", "1", "--workdir", str(tmp_path / "work"))
    rows, table = run_apart("training_throughput.py", tmp_path / "training.json", *flags)
    check(rows, table)
    assert [row["measure"].split(",")[0] for row in rows] == ["DCGAN", "classifier"]
    assert all(row["peer"].startswith("plain PyTorch loop, ") and row["repeats"] == 1 for row in rows)


def test_input_throughput(run):
    # The programs of `test_step_throughput`.
    sizes = ("--num_images", "50", "--batch_size", "4", "--image_size", "32", "--num_batches", "20")
    sizes += ("--width", "2", "--gan_width", "2", "--num_waits", "5")
    rows, table = run("input_throughput.py", *sizes, "--repeats", "2")
    check(rows, table)
    assert len(rows) == 5 and rows[0]["value"] == rows[1]["value"] == rows[2]["value"]
    assert all(0 < row["value"] < 100 for row in rows[3:])


def test_the_accelerators_script_on_a_cpu(run):
    parts = ("--part", "limits", "--part", "kernels", "--part", "paper")
    rows, table = run("accelerator.py", "--tiny", "--program", "CNN float32", "--compile_until", "400", *parts)
    assert [row["unit"] for row in rows[:4]] == ["TFLOP/s", "TFLOP/s", "GB/s", "us"]
    (step,) = [row for row in rows if row["measure"].startswith("step of 1 classifier, W = 2, batch 8")]
    assert step["unit"] == "ms" and step["value"] > 0
    assert "# paper: no --dataset" in table and "FAILED" not in table


def test_convolution_forms(run):
    sizes = ("--width", "2", "--classifier_width", "2", "--batch_size", "2", "--image_size", "32", "--repeats", "1")
    rows, table = run("convolution_forms.py", *sizes)
    product, *rows = rows
    assert product["measure"].startswith("matrix product 2048 x 2048") and product["unit"] == "GFLOP/s"
    check(rows, table)
    # Three directions of four layers and of three, without the gradient of an image.
    assert len(rows) == 20 and all("lax" in row["peer"] for row in rows)
    assert all(row["peer"].endswith(" % of a product's rate") for row in rows)


@pytest.mark.parametrize(
    ("script", "sizes", "num_rows"),
    [
        ("build_scale.py", ("--slices", "2", "--lesions", "3", "--junk", "2"), 9),
        ("mutated_files.py", ("--kind", "csv", "--mutations", "3"), 3),
    ],
)
def test_files_are_read_by_the_thousand_and_damaged(script, sizes, num_rows, tmp_path):
    rows, table = run_apart(script, tmp_path / "rows.json", "--workdir", str(tmp_path / "w"), *sizes)
    assert len(rows) == num_rows and all(row["measure"] in table for row in rows)


@pytest.mark.skipif(importlib.util.find_spec("libtpu") is None, reason="no TPU compiler; pip install libtpu")
@pytest.mark.parametrize(
    ("script", "own", "num_rows"),
    [("convolution_forms.py", (), 8), ("tpu_compiled.py", ("--members", "2"), 1)],
)
def test_for_a_tpu_that_is_not_here(script, own, num_rows, tmp_path):
    sizes = ("--network", "classifier", "--classifier_width", "2", "--batch_size", "2", "--image_size", "32")
    rows, table = run_apart(script, tmp_path / "tpu.json", "--topology", "v5e:2x2", *own, *sizes)
    assert len(rows) == num_rows and all(row["unit"] == "MiB" and row["value"] > 0 for row in rows)
    assert all(row["measure"] in table and "compiled for v5e:2x2" in row["measure"] for row in rows)


def test_collectives(run):
    rows, _ = run("collectives.py", "--width", "4", "--image_size", "32")
    none, once = rows
    assert none["value"] == 0 and none["ratio"] == 1
    # All of them, and little else.
    assert 0.99 < once["ratio"] < 1


def test_steps_are_measured_where_there_is_no_tensorflow():
    program = "import sys; sys.modules['tensorflow'] = None; import step_throughput, accelerator"
    path = os.pathsep.join([str(CHECKOUT), str(BENCHMARKS)])
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": path})


def test_one_arm_twice(run, tmp_path):
    Simulator(World(num_lesions=60, num_seeds=6)).study((0.0,))[0].save(tmp_path / "runs.npz")
    rows, table = run("one_arm_twice.py", "--predictions", str(tmp_path / "runs.npz"), "--replicates", "30")
    assert [row["measure"].split(", ")[-1] for row in rows] == ["1 seed", "2 seeds", "3 seeds"]
    for row in rows:
        assert row["measure"] in table and 60 < row["value"] <= 100 and row["must"] == 0.93
        assert "before: false verdicts" in row["peer"]


def test_audit_rates_needs_a_pool_of_some_size(run, capsys):
    with pytest.raises(SystemExit):
        run("audit_rates.py", "--lesions", "100")
    assert "--lesions is 100; a trial needs a pool of 144 of each class" in capsys.readouterr().err
