import csv
import json

import numpy as np
import pytest

from lesion_jax import restore_classifier
from lesion_jax.commands import main
from lesion_jax.core.csv_text import csv_text
from lesion_jax.data.lesion_images import original_images
from lesion_jax.inference.own_lesions import own_lesions
from lesion_jax.inference.score_run import ScoredRun
from lesion_jax.inference.score_table import score_rows
from tests.inference.conftest import CONFIGS, DATA

NAMES = ["cyst", "metastasis", "hemangioma"]


def read(path):
    return list(csv.DictReader(path.read_text().splitlines()))


@pytest.mark.slow
def test_several_runs_are_one_table_beside_what_each_said_of_every_lesion(runs, dataset, tmp_path, capsys):
    table, said = tmp_path / "scores.csv", tmp_path / "said.csv"
    names = ["classifier", "averaged"]
    words = ["evaluate", "--workdir", *(str(runs[name]) for name in names), f"--dataset={dataset}", "--checkpoint=20"]
    assert main([*words, f"--table={table}", f"--predictions={said}"]) == 0
    printed = capsys.readouterr().out.splitlines()
    rows = read(table)
    assert [row["run"] for row in rows] == [str(runs[name]) for name in names] and len(printed) == 3
    assert [(row["checkpoint"], row["step"]) for row in rows] == [("20", "20")] * 2
    columns = list(rows[0])
    # Where a dataset was depends on the folder in which another test has trained the run.
    assert {*columns[5 : columns.index("checkpoint")]} - {"data.dataset"} == {"ema_decay", "input_scale"}
    lesions = own_lesions(runs["averaged"], "test", dataset)
    there = [row for row in read(said) if row["run"] == str(runs["averaged"])]
    assert [(row["id"], row["patient"]) for row in there] == [(lesion.lesion_id, lesion.patient) for lesion in lesions]
    images = original_images(lesions, DATA.image_size, DATA.margin)
    probabilities = restore_classifier(runs["averaged"], 20)(images.pixels)[0]
    found = np.array([[row[f"probability_{name}"] for name in NAMES] for row in there], np.float32)
    np.testing.assert_array_equal(found, probabilities)
    assert [row["label"] for row in there] == [NAMES[lesion.label] for lesion in lesions]
    assert [row["predicted"] for row in there] == [NAMES[i] for i in probabilities.argmax(-1)]
    right = np.mean([row["label"] == row["predicted"] for row in there])
    assert float(rows[1]["accuracy"]) == right and float(rows[1]["accuracy_low"]) < right
    assert len(read(said)) == 2 * len(lesions)


def test_what_a_run_has_not_is_none_and_settings_of_one_family_are_no_columns():
    told = {"run": "R", "fold": 0, "part": "test", "n": 9}
    images = {"checkpoint": "best", "step": 3, "metrics": {"variety": {"value": 0.5}, "frechet": {"value": np.nan}}}
    number = {"value": 0.75, "low": 0.5, "high": 1.0, "n": 9}
    said = {"checkpoint": "last", "step": 4, "metrics": {"accuracy": {"total": number}, "auroc": {"total": {"n": 0}}}}
    drawing = ScoredRun(CONFIGS["dcgan"], {**told, "kind": "dcgan", "images": images}, None)
    naming = ScoredRun(CONFIGS["classifier"], {**told, "kind": "classifier", "predictions": said}, None)
    one, other = score_rows([drawing, naming])
    assert list(one) == list(other) and {"data.label", "width"} <= {*one} and "discriminator_width" not in one
    assert (one["images_step"], one["variety"], one["frechet"], one["step"], one["accuracy"]) == (
        3,
        0.5,
        None,
        None,
        None,
    )
    assert (other["accuracy"], other["accuracy_low"], other["auroc"], other["variety"]) == (0.75, 0.5, None, None)
    assert [line.split(",")[-1] for line in csv_text([{"a": (1, 2), "b": None}, {"b": 3}]).splitlines()] == [
        "b",
        "",
        "3",
    ]


@pytest.mark.slow
def test_a_sweep_is_scored_cell_by_cell(runs, dataset, tmp_path, capsys):
    cells = tmp_path / "sweep" / "cells"
    (cells / "0002").mkdir(parents=True)
    (cells / "0002" / "config.json").write_text((runs["classifier"] / "config.json").read_text())
    (tmp_path / "sweep" / "sweep.json").write_text("{}")
    for cell, name in (("0000", "classifier"), ("0001", "averaged")):
        (cells / cell).symlink_to(runs[name])
    words = ["evaluate", f"--workdir={tmp_path / 'sweep'}", f"--dataset={dataset}"]
    assert main([*words, f"--table={tmp_path / 'scores.json'}", "--json"]) == 0
    out, err = capsys.readouterr()
    rows, results = json.loads((tmp_path / "scores.json").read_text()), json.loads(out)
    assert [(row["run"], row["ema_decay"]) for row in rows] == [(f"{cells}/0000", 0.0), (f"{cells}/0001", 0.9)]
    assert [row["accuracy"] for row in rows] == [
        r["predictions"]["metrics"]["accuracy"]["total"]["value"] for r in results
    ]
    assert "1 of 3 trainings have no checkpoint yet and are left out" in err
    for run in ("0000", "0001"):
        (cells / run).unlink()
    assert main(words) == 2 and "there is nothing to score" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--table=scores.txt"], "--table is scores.txt; name a file that ends in .csv or .json"),
        (["--predictions=nowhere/said.csv"], "in a folder there is"),
        (["--predictions=said.csv"], "no run of these classifies"),
        (["--bank=BANK", "--table=scores.csv"], "either --workdir or --bank"),
    ],
)
def test_a_table_that_cannot_be_is_refused(words, message, runs, dataset, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", f"--workdir={runs['dcgan']}", f"--dataset={dataset}", *words]) == 2
    assert message in capsys.readouterr().err and not list(tmp_path.iterdir())


def test_an_audit_says_that_it_takes_a_while(tmp_path, capsys):
    assert main(["evaluate", f"--bank={tmp_path / 'no'}", f"--dataset={tmp_path}"]) == 2
    said = capsys.readouterr().err
    assert said.index(f"audits {tmp_path / 'no'}; some ten seconds") < said.index("does not exist")
