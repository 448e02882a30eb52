import csv
import dataclasses
import json
import shutil
import struct
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from tensorboardX.proto import event_pb2, plugin_hparams_pb2

from lesion_jax.commands import main
from lesion_jax.data.dataset import load_dataset
from lesion_jax.data.folds import make_folds, save_folds
from lesion_jax.data.tfds_builder import write_dataset
from lesion_jax.disk.lock import locked
from lesion_jax.errors import ConfigError, Preempted, RunError
from lesion_jax.runtime import preemption
from lesion_jax.sweep.cells import expand
from lesion_jax.sweep.collect import collect
from lesion_jax.sweep.config import SweepConfig
from lesion_jax.sweep.directory import Sweep, open_sweep
from lesion_jax.sweep.run import programs_of, run_sweep
from lesion_jax.sweep.status import cell_rows, describe_sweep
from lesion_jax.train import evaluation, recorder
from tests.train.tiny import cohort, configs, true_at

pytestmark = pytest.mark.slow

CLASSIFIER = dataclasses.replace(configs()["classifier"], num_devices=1)
GAN = dataclasses.replace(configs()["acgan"], num_devices=1)
# Two programs of two cells.
TWO = SweepConfig(base=CLASSIFIER, grid=(("width", (2, 3)), ("learning_rate", (1e-3, 2e-3))))


@pytest.fixture(scope="module")
def tiny():
    return cohort()


@pytest.fixture(scope="module")
def finished(tiny, tmp_path_factory):
    workdir = tmp_path_factory.mktemp("sweep") / "two"
    assert run_sweep(TWO, workdir, cohort=tiny) == 0
    return workdir


def contents(workdir):
    return {path: path.read_bytes() for path in sorted((workdir / "cells").rglob("*")) if path.is_file()}


def test_cells_of_one_shape_are_one_program_and_each_is_a_run(finished, tiny):
    programs = programs_of(TWO, expand(TWO), tiny)
    assert [program.trainings for program in programs] == [(0, 1), (2, 3)]
    for cell in range(4):
        assert (finished / "cells" / f"{cell:04d}" / "DONE").exists()
    assert (finished / "programs" / "0001.cells").read_text() == "cells/0002\ncells/0003\n"


def test_a_finished_sweep_is_left_as_it_is(finished, tiny):
    before = contents(finished)
    run_sweep(TWO, finished, cohort=tiny)
    assert contents(finished) == before


def test_what_is_added_to_a_finished_sweep_is_all_that_is_trained(finished, tiny, tmp_path):
    workdir = tmp_path / "more"
    shutil.copytree(finished, workdir)
    rates = ("learning_rate", (5e-4, 1e-3, 2e-3))
    before, more = contents(workdir), dataclasses.replace(TWO, grid=(("width", (2, 3)), rates))
    # A task of an array that holds nothing new, one that does, and all of them again.
    for index in (1, 0, None):
        run_sweep(more, workdir, index=index, cohort=tiny)
    after = contents(workdir)
    assert {path: after[path] for path in before} == before
    rows = cell_rows(open_sweep(workdir))
    assert [(row["width"], row["learning_rate"]) for row in rows[4:]] == [(2, 5e-4), (3, 5e-4)]
    assert all(row["state"] == "done" for row in rows)
    assert {path.parts[-2] for path in after if path.name == "DONE"} == {f"{cell:04d}" for cell in range(6)}
    loop = dataclasses.replace(CLASSIFIER.loop, duration="12 steps")
    longer = dataclasses.replace(more, base=dataclasses.replace(CLASSIFIER, loop=loop))
    Sweep.of(longer, workdir).continued(tiny).claim(tiny)
    assert {row["state"] for row in cell_rows(open_sweep(workdir))} == {"waiting"}
    run_sweep(longer, workdir, cohort=tiny)
    assert {(row["state"], row["step"]) for row in cell_rows(open_sweep(workdir))} == {("done", 12)}
    run_sweep(dataclasses.replace(longer, grid=(("width", (3,)), rates)), tmp_path / "at_once", cohort=tiny)
    # By number: 5e-4 came last here, and first there.
    for cell, fresh in ((5, 0), (2, 1), (3, 2)):
        one, other = workdir / f"cells/{cell:04d}", tmp_path / f"at_once/cells/{fresh:04d}"
        assert (one / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
    with pytest.raises(RunError, match="12 steps, but loop.duration now means 8; .* never shorter"):
        run_sweep(more, workdir, cohort=tiny)


def test_tasks_of_an_array_do_the_same_as_one_process(finished, tiny, tmp_path):
    for index in (1, 0):
        run_sweep(TWO, tmp_path / "array", index=index, cohort=tiny)
    names = ("metrics.jsonl", "DONE")
    for cell in range(4):
        for name in names:
            one, other = (root / "cells" / f"{cell:04d}" / name for root in (finished, tmp_path / "array"))
            assert one.read_bytes() == other.read_bytes()


def test_an_interrupted_program_resumes(finished, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(preemption, "requested", true_at(5))
    with pytest.raises(Preempted):
        run_sweep(TWO, tmp_path / "broken", cohort=tiny)
    states = [row["state"] for row in cell_rows(open_sweep(tmp_path / "broken"))]
    # One after another on one device: the second cell of the program is only prepared.
    assert states == ["interrupted", "waiting", "waiting", "waiting"]
    monkeypatch.setattr(preemption, "requested", lambda: False)
    run_sweep(TWO, tmp_path / "broken", cohort=tiny)
    for cell in range(4):
        one, other = (root / "cells" / f"{cell:04d}" / "metrics.jsonl" for root in (finished, tmp_path / "broken"))
        assert one.read_bytes() == other.read_bytes()


def test_a_program_that_another_process_trains_is_refused(tiny, tmp_path):
    workdir = tmp_path / "held"
    cell = workdir / "cells" / "0001"
    cell.mkdir(parents=True)
    with locked(cell / ".lock", what=cell), pytest.raises(RunError, match="0001"):
        run_sweep(TWO, workdir, index=0, cohort=tiny)
    program = workdir / "programs" / "0000"
    with locked(program.with_suffix(".lock"), what=program), pytest.raises(RunError, match="programs/0000 is being"):
        run_sweep(TWO, workdir, index=0, cohort=tiny)
    run_sweep(TWO, workdir, index=1, cohort=tiny)


def test_a_directory_is_of_one_sweep(finished, tiny, tmp_path):
    with pytest.raises(RunError, match="another sweep's"):
        run_sweep(dataclasses.replace(TWO, base=dataclasses.replace(CLASSIFIER, seed=9)), finished, cohort=tiny)
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="no sweep.json"):
        run_sweep(TWO, tmp_path, cohort=tiny)
    with pytest.raises(RunError, match="not the directory of a sweep"):
        open_sweep(tmp_path)
    with pytest.raises(ConfigError, match="2 programs"):
        run_sweep(TWO, finished, index=2, cohort=tiny)
    with pytest.raises(ConfigError, match="one"):
        Sweep.of(SweepConfig(base=CLASSIFIER, grid=(("data.dataset", ("a", "b")),)), tmp_path)


def events(folder):
    """What the one events file of a folder holds: scalars by tag, and the settings that the hparams plugin shows."""
    (path,) = folder.iterdir()
    found, content = {}, path.read_bytes()
    while content:
        (size,) = struct.unpack("<Q", content[:8])
        for value in event_pb2.Event.FromString(content[12 : 12 + size]).summary.value:
            found[value.tag] = value.simple_value
            if value.tag.endswith("start_info"):
                data = plugin_hparams_pb2.HParamsPluginData.FromString(value.metadata.plugin_data.content)
                found[value.tag] = {name: x.number_value for name, x in data.session_start_info.hparams.items()}
        content = content[16 + size :]
    return found


def test_what_came_of_it_stands_in_tables_and_a_picture(finished):
    files = collect(open_sweep(finished))
    # Once more: nothing is there twice.
    assert collect(open_sweep(finished)) == files
    rows = json.loads(files["json"].read_text())
    assert [row["width"] for row in rows] == [2, 2, 3, 3] and all(row["state"] == "done" for row in rows)
    assert all(row["step"] == 8 and isinstance(row["score"], float) for row in rows)
    with files["csv"].open() as file:
        table = list(csv.DictReader(file))
    assert [float(row["learning_rate"]) for row in table] == [1e-3, 2e-3, 1e-3, 2e-3]
    assert [float(row["score"]) for row in table] == [row["score"] for row in rows]
    with files["settings"].open() as file:
        settings = list(csv.DictReader(file))
    assert [float(row["mean"]) for row in settings] == sorted((row["score"] for row in rows), reverse=True)
    assert [json.loads(line) for line in files["lines"].read_text().splitlines()] == rows
    told = [events(folder) for folder in sorted(files["hparams"].iterdir())]
    assert [one["_hparams_/session_start_info"]["learning_rate"] for one in told] == [1e-3, 2e-3] * 2
    np.testing.assert_allclose([one["score"] for one in told], [row["score"] for row in rows], rtol=1e-6)
    assert files["picture"].read_bytes().startswith(b"\x89PNG")
    text = describe_sweep(open_sweep(finished), rows)
    assert "collapsed" not in text
    fallen = [{**rows[0], "collapse": "Step 5: the generator has collapsed."}, *rows[1:]]
    assert "\ncell 0: Step 5: the generator has collapsed." in describe_sweep(open_sweep(finished), fallen)
    assert "4 cells, 4 done" in text and "program 1: 16 of 16 steps" in text


def test_cells_that_vary_different_fields_have_one_table(tmp_path):
    sweep = Sweep.of(dataclasses.replace(TWO, grid=(), cells=((("width", 2),), (("seed", 7),))), tmp_path)
    _, header, first, second = describe_sweep(sweep, cell_rows(sweep)).splitlines()
    assert header.split() == ["cell", "width", "seed", "state", "step", "best_step", "score"]
    # What a cell leaves alone is the base's.
    assert first.split() == ["0", "2", str(TWO.base.seed), "waiting", "-", "-", "-"]
    assert second.split()[:3] == ["1", str(TWO.base.width), "7"]


def test_a_cell_that_diverges_is_marked_once_and_the_others_are_trained(tiny, tmp_path):
    sweep = SweepConfig(base=CLASSIFIER, grid=(("learning_rate", (1e-3, 1e30)),))
    assert run_sweep(sweep, tmp_path / "wild", cohort=tiny) == 1
    rows = cell_rows(open_sweep(tmp_path / "wild"))
    assert [row["state"] for row in rows] == ["done", "failed"] and "Step" in rows[1]["reason"]
    assert "cell 1 failed: Step" in describe_sweep(open_sweep(tmp_path / "wild"), rows)
    before = contents(tmp_path / "wild")
    assert run_sweep(sweep, tmp_path / "wild", cohort=tiny) == 0
    assert contents(tmp_path / "wild") == before


def test_a_score_that_is_no_number_is_a_divergence(tiny, tmp_path):
    # After one step the weights are still finite, and what they compute is not.
    often = dataclasses.replace(CLASSIFIER, loop=dataclasses.replace(CLASSIFIER.loop, evaluate_every="1 steps"))
    sweep = SweepConfig(base=often, grid=(("learning_rate", (1e15, 1e-3)),))
    assert run_sweep(sweep, tmp_path / "wild", cohort=tiny) == 1
    rows = cell_rows(open_sweep(tmp_path / "wild"))
    assert [row["state"] for row in rows] == ["failed", "done"] and "the score is nan" in rows[0]["reason"]


def test_tasks_that_start_at_the_same_time_share_a_directory(tiny, tmp_path):
    start = threading.Barrier(4)

    def claim(workdir):
        start.wait()
        Sweep.of(TWO, workdir).claim(tiny)

    with ThreadPoolExecutor(4) as tasks:
        for number in range(20):
            for done in [tasks.submit(claim, tmp_path / str(number)) for _ in range(4)]:
                done.result()
            assert sorted(path.name for path in (tmp_path / str(number)).iterdir()) == ["programs", "sweep.json"]


def test_a_cell_that_a_collapse_ends_says_so(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "describe_collapse", lambda step, *_: f"Step {step}: collapsed.")
    monkeypatch.setattr(recorder, "MIN_STEPS", 4)
    sweep = SweepConfig(base=dataclasses.replace(GAN, on_collapse="stop"))
    run_sweep(sweep, tmp_path / "s", cohort=tiny)
    (row,) = rows = cell_rows(open_sweep(tmp_path / "s"))
    assert row["state"] == "stopped" and row["reason"] == "Step 4: collapsed." and row["score"] is None
    assert "cell 0 stopped: Step 4: collapsed." in describe_sweep(open_sweep(tmp_path / "s"), rows)


def test_the_verbs(tiny, tmp_path, capsys, monkeypatch):
    dataset, workdir = tmp_path / "dataset", tmp_path / "sweep"
    write_dataset(tiny.lesions, dataset)
    save_folds(make_folds(load_dataset(dataset), 3, 0), dataset / "folds.json")
    # What the command would let JAX do for the rest of this process.
    monkeypatch.setattr("lesion_jax.runtime.compile_cache.keep_compiled", lambda directory: None)
    # The shape of the other tests' networks.
    (tmp_path / "config.py").write_text(
        "from lesion_jax.config import ClassifierConfig, DataConfig, SweepConfig, to_config_dict\n\n\n"
        "def get_config():\n"
        "    data = DataConfig(image_size=32, classic_size=40, batch_size=8)\n"
        "    base = ClassifierConfig(width=2, num_devices=1, data=data)\n"
        "    return to_config_dict(SweepConfig(base=base, grid=(('seed', (0, 1)),)))\n"
    )
    words = [f"--config={tmp_path}/config.py", f"--config.base.data.dataset={dataset}"]
    words += ["--config.base.loop.duration=4 steps"]
    assert main(["plan", *words]) == 0
    assert "1 programs of 1 devices, 2 trainings, 8 steps" in capsys.readouterr().out
    assert main(["plan", *words, "--config.device_memory=1e-5"]) == 2
    assert main(["sweep", *words, f"--workdir={workdir}"]) == 0
    assert main(["sweep", f"--workdir={workdir}", "--part=test"]) == 2
    assert main(["sweep", f"--workdir={workdir}", "--status", "--collect", "--part=test"]) == 0
    assert main(["evaluate", f"--workdir={workdir}", f"--table={tmp_path}/scores.json"]) == 0
    scores = [row["accuracy"] for row in json.loads((tmp_path / "scores.json").read_text())]
    cells = json.loads((workdir / "cells.json").read_text())
    assert [row["test_accuracy"] for row in cells] == scores
    (setting,) = csv.DictReader((workdir / "settings.csv").read_text().splitlines())
    assert float(setting["test_accuracy_mean"]) == pytest.approx(np.mean(scores))
    assert float(setting["test_accuracy_sd"]) == pytest.approx(np.std(scores, ddof=1))
    assert "2 cells, 2 done" in capsys.readouterr().out and (workdir / "scores.png").exists()
    assert main(["show", f"--workdir={workdir}/cells/0001"]) == 0
    assert main(["sweep", f"--workdir={workdir}", "--status"]) == 0
    status = capsys.readouterr().out.split(f"{workdir}: 2 cells")[1]
    assert main(["show", f"--workdir={workdir}"]) == 0
    assert capsys.readouterr().out == f"{workdir}: 2 cells{status}"
    assert main(["export", f"--workdir={workdir}/cells/0001", f"--out={tmp_path}/one"]) == 0
