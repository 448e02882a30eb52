import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.xla import compile_fast

pytestmark = pytest.mark.slow

CHECKOUT = Path(__file__).resolve().parents[2]


def run(script, out, *flags):
    command = [sys.executable, str(CHECKOUT / "benchmarks" / script), "--out", str(out), *flags]
    path = os.pathsep.join([str(CHECKOUT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    # A smoke test looks at the rows, not at the numbers.
    compile_fast(environment=environment)
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=out.parent, env=environment)
    written = json.loads(out.read_text())
    assert written["hardware"] and written["versions"]["jax"]
    return written["rows"], done.stdout


def check(rows, table):
    for row in rows:
        assert set(row) == {"measure", "value", "unit", "peer", "ratio", "must"}
        assert row["value"] > 0 and row["ratio"] > 0 and row["unit"] in ("ms", "s", "%", "images/s")
        assert row["measure"] in table and row["peer"] in table


def test_step_throughput(tmp_path):
    sizes = ("--width", "2", "--batch_size", "4", "--image_size", "32", "--repeats", "2")
    rows, table = run("step_throughput.py", tmp_path / "steps.json", *sizes)
    check(rows, table)
    assert [row["measure"].split(",")[0] for row in rows] == ["DCGAN step", "classifier step"]
    assert os.listdir(tmp_path) == ["steps.json"]


def test_peer_throughput(tmp_path):
    pytest.importorskip("torch")
    sizes = ("--batch_size", "4", "--image_size", "32", "--repeats", "2", "--eager")
    rows, table = run(
        "peer_throughput.py", tmp_path / "peer.json", "--cell", "DCGAN:2", "--cell", "classifier:2", *sizes
    )
    check(rows, table)
    assert [row["must"] for row in rows] == [0.85, 0.7]
    assert "0.85" in table and all("eager" in row["peer"] for row in rows)


def test_input_throughput(tmp_path):
    sizes = ("--num_images", "50", "--batch_size", "8", "--image_size", "24", "--num_batches", "20")
    sizes += ("--width", "2", "--gan_width", "2", "--image_size", "32", "--num_waits", "5")
    rows, table = run("input_throughput.py", tmp_path / "input.json", *sizes, "--repeats", "2")
    check(rows, table)
    assert len(rows) == 5 and rows[0]["value"] == rows[1]["value"] == rows[2]["value"]
    assert all(0 < row["value"] < 100 for row in rows[3:])


def test_population_throughput(tmp_path):
    sizes = ("--width", "2", "--members", "2", "--batch_size", "4", "--image_size", "32", "--repeats", "1")
    packings = ("--packing", "one", "--packing", "gemm", "--steps", "10")
    rows, table = run("population_throughput.py", tmp_path / "population.json", *sizes, *packings)
    check(rows, table)
    assert len(rows) == 4 and [row["must"] for row in rows[::2]].count(1.0) == 1


def test_the_accelerators_script_on_a_cpu(tmp_path):
    sizes = ("--width", "2", "--paper_width", "2", "--members", "2", "--batch_size", "4", "--image_size", "32")
    rows, table = run("accelerator.py", tmp_path / "all.json", *sizes, "--matrix", "64", "--repeats", "1")
    check(rows, table)
    assert rows[-1]["unit"] == "%" and rows[-1]["must"] == 0.25


def test_convolution_forms(tmp_path):
    sizes = ("--width", "2", "--classifier_width", "2", "--batch_size", "2", "--image_size", "32", "--repeats", "1")
    rows, table = run("convolution_forms.py", tmp_path / "forms.json", *sizes)
    check(rows, table)
    # Three directions of four layers and of three, without the gradient of an image.
    assert len(rows) == 20 and all("lax" in row["peer"] for row in rows)


@pytest.mark.skipif(importlib.util.find_spec("libtpu") is None, reason="no TPU compiler; pip install libtpu")
@pytest.mark.parametrize(
    ("script", "own", "num_rows"),
    [("convolution_forms.py", (), 8), ("tpu_compiled.py", ("--members", "2"), 1)],
)
def test_for_a_tpu_that_is_not_here(script, own, num_rows, tmp_path):
    sizes = ("--network", "classifier", "--classifier_width", "2", "--batch_size", "2", "--image_size", "32")
    rows, table = run(script, tmp_path / "tpu.json", "--topology", "v5e:2x2", *own, *sizes)
    assert len(rows) == num_rows and all(row["unit"] == "MiB" and row["value"] > 0 for row in rows)
    assert all(row["measure"] in table and "compiled for v5e:2x2" in row["measure"] for row in rows)


def test_collectives(tmp_path):
    rows, _ = run("collectives.py", tmp_path / "collectives.json", "--width", "4", "--image_size", "32")
    none, once = rows
    assert none["value"] == 0 and none["ratio"] == 1
    # All of them, and little else.
    assert 0.99 < once["ratio"] < 1


def test_steps_are_measured_where_there_is_no_tensorflow():
    program = "import sys; sys.modules['tensorflow'] = None; import step_throughput, accelerator"
    path = os.pathsep.join([str(CHECKOUT), str(CHECKOUT / "benchmarks")])
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ, "PYTHONPATH": path})
