"""`show` of a dataset and of a bank."""

import json

import numpy as np
import pytest

from lesion_jax.commands import main
from lesion_jax.core.types import Images, LesionSet
from lesion_jax.data.bank import save_bank
from lesion_jax.data.folds import make_folds, save_folds
from lesion_jax.data.lesion_arrays import write_lesion_arrays

FACTS = {
    "run": "runs/gan",
    "step": 10,
    "checkpoint": "best",
    "fold": 1,
    "partition": "",
    "per_class": [],
    "subset": 0,
    "hold_out_inner": True,
    "class_names": ["cyst", "b"],
    "seed": 7,
    "image_size": 4,
    "unit": "HU",
    "window": [-160.0, 240.0],
    "dataset_fingerprint": "d" * 64,
    "fold_fingerprint": "f" * 64,
    "train_fingerprint": "a" * 64,
}


@pytest.fixture
def dataset(tmp_path, new_lesion):
    lesions = LesionSet.of([new_lesion(f"{i}", label=i % 2, tags={"site": "A"}) for i in range(8)], ("x", "y"), "HU")
    folder = tmp_path / "dataset"
    folder.mkdir()
    write_lesion_arrays(lesions, folder)
    save_folds(make_folds(lesions, 2, 0), folder / "folds.json")
    (folder / "card.json").write_text(json.dumps({"origin": {"notes": ["3 odd things"]}}))
    return folder, lesions


def test_a_dataset_is_shown(dataset, capsys):
    folder, lesions = dataset
    assert main(["show", f"--dataset={folder}"]) == 0
    told = capsys.readouterr().out
    assert f"fingerprint {lesions.fingerprint[:16]}" in told and "3 odd things" in told
    rows = [line.split() for line in told.splitlines()]
    assert ["x", "4", "4", "20.0,", "20.0,", "20.0", "1"] in rows and ["A", "4", "4"] in rows
    assert ["0", "4", "2", "2"] in rows and ["1", "4", "2", "2"] in rows
    assert main(["show", f"--dataset={folder}", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["num_lesions"] == {"x": 4, "y": 4} and facts["num_patients"] == 8 and facts["folds"]["num_folds"] == 2


def test_a_bank_is_shown_with_its_picture(tmp_path, capsys):
    bank = Images(np.zeros((5, 4, 4), np.int16), np.array([0, 0, 0, 1, 1], np.int32))
    save_bank(tmp_path / "bank", bank, FACTS, picture=b"png")
    assert (tmp_path / "bank/bank.png").read_bytes() == b"png"
    assert main(["show", f"--bank={tmp_path / 'bank'}"]) == 0
    told = capsys.readouterr().out
    assert "a bank of 5 images of 4 x 4 pixels" in told and f"picture: {tmp_path / 'bank/bank.png'}" in told
    assert ["cyst", "3"] in [line.split() for line in told.splitlines()] and "seed 7 from runs/gan, step 10" in told
    assert main(["show", f"--bank={tmp_path / 'bank'}", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["label_counts"] == [3, 2]
