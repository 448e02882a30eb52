import json
import os
from pathlib import Path

import numpy as np
import pytest

from lesion_jax.core.types import Images
from lesion_jax.data.bank import check_bank, check_new_bank, load_bank, save_bank, take_per_class
from lesion_jax.data.origins import Origins
from lesion_jax.errors import BankError

FACTS = {
    "run": "runs/dcgan",
    "step": 10,
    "checkpoint": "best",
    "fold": 1,
    "partition": "",
    "per_class": [],
    "subset": 0,
    "hold_out_inner": True,
    "class_names": ["cyst", "metastasis", "hemangioma"],
    "seed": 0,
    "image_size": 4,
    "unit": "HU",
    "window": [-160.0, 240.0],
    "dataset_fingerprint": "d" * 64,
    "fold_fingerprint": "f" * 64,
    "train_fingerprint": "a" * 64,
}


@pytest.fixture
def images():
    labels = np.array([0] * 5 + [2] * 7, np.int32)
    hu = np.random.default_rng(0).integers(-1000, 1000, (12, 4, 4)).astype(np.int16)
    return Images(hu, labels)


def test_bank_comes_back_with_its_provenance(images, tmp_path):
    save_bank(tmp_path / "new" / "bank", images, FACTS)
    bank = load_bank(tmp_path / "new" / "bank")
    np.testing.assert_array_equal(bank.images.pixels, images.pixels)
    np.testing.assert_array_equal(bank.images.labels, images.labels)
    assert bank.provenance == {**FACTS, "label_counts": [5, 0, 7]}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["bank"]


def test_existing_bank_is_never_overwritten(images, tmp_path):
    save_bank(tmp_path / "bank", images, FACTS)
    with pytest.raises(BankError, match="exists; name another"):
        save_bank(tmp_path / "bank", images[:3], FACTS)
    assert len(load_bank(tmp_path / "bank").images) == 12


def test_a_place_for_no_bank_is_refused_before_drawing(images, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "nowhere").symlink_to("absent")
    check_new_bank(tmp_path / "deep" / "bank")
    refused = {
        tmp_path: "exists; name another",
        tmp_path / "file": "exists; name another",
        tmp_path / "file" / "bank": "file is not a directory",
        tmp_path / "nowhere" / "bank": "nowhere is not a directory",
        tmp_path / ("x" * 300): "File name too long",
    }
    for path, message in refused.items():
        with pytest.raises(BankError, match=message):
            check_new_bank(path)
        with pytest.raises(BankError, match=message):
            save_bank(path, images, FACTS)
    # Root may write anywhere but on a read-only file system, so the answer of the system is put on.
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(BankError, match=f"{tmp_path} is read-only"):
        check_new_bank(tmp_path / "deep" / "bank")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "nowhere"]


def test_what_a_killed_process_left_is_removed(images, tmp_path):
    (tmp_path / ".bank.building").mkdir()
    (tmp_path / ".bank.building" / "images.npy").write_text("half")
    save_bank(tmp_path / "bank", images, FACTS)
    assert [path.name for path in tmp_path.iterdir()] == ["bank"]


@pytest.mark.parametrize("name", ["is_dir", "read_text"])
def test_a_bank_without_permission_is_one_sentence(images, tmp_path, monkeypatch, name):
    save_bank(tmp_path / "bank", images, FACTS)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, name, refuse)
    with pytest.raises(BankError, match=r"cannot be read \(Permission denied\)"):
        load_bank(tmp_path / "bank")


def test_provenance_must_be_complete(images, tmp_path):
    with pytest.raises(ValueError, match="needs train_fingerprint"):
        save_bank(tmp_path / "bank", images, {k: v for k, v in FACTS.items() if k != "train_fingerprint"})
    assert list(tmp_path.iterdir()) == []


def test_failed_write_leaves_nothing(images, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(BankError, match="No space left"):
        save_bank(tmp_path / "bank", images, FACTS)
    assert list(tmp_path.iterdir()) == []


def test_missing_bank_names_the_command(tmp_path):
    with pytest.raises(BankError, match="does not exist; draw one with `lesion-jax sample`"):
        load_bank(tmp_path / "bank")


@pytest.mark.parametrize("name", ["images.npy", "labels.npy", "bank.json"])
def test_damage_is_noticed(images, tmp_path, name):
    save_bank(tmp_path / "bank", images, FACTS)
    path = tmp_path / "bank" / name
    whole = path.read_bytes()
    # The last byte of an array; a digit of the step in the JSON.
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]) if name != "bank.json" else whole.replace(b"10", b"11", 1))
    with pytest.raises(BankError, match="damaged"):
        load_bank(tmp_path / "bank")
    for broken in (whole[: len(whole) // 2], b""):
        path.write_bytes(broken)
        with pytest.raises(BankError, match="not readable"):
            load_bank(tmp_path / "bank")
    path.unlink()
    with pytest.raises(BankError, match="not readable"):
        load_bank(tmp_path / "bank")


def test_bank_of_other_training_patients_is_refused_naming_both(images, tmp_path):
    path = tmp_path / "bank"
    save_bank(path, images, FACTS)
    bank = load_bank(path)
    check_bank(bank, train_fingerprint="a" * 64, train_patients=[], path=path, run="runs/classifier")
    with pytest.raises(BankError) as error:
        check_bank(bank, train_fingerprint="b" * 64, train_patients=[], path=path, run="runs/classifier")
    for fact in (str(path), "aaaaaaaaaaaa", "bbbbbbbbbbbb", "runs/dcgan", "fold 1", "runs/classifier"):
        assert fact in str(error.value)


@pytest.fixture
def origins():
    return Origins(
        lesions=(("lesion1", "lesion2"),) * 12,
        tissue=("lesion1",) * 6 + ("lesion3",) * 6,
        patients={"lesion1": "ann", "lesion2": "bob", "lesion3": "eve"},
    )


def test_a_bank_says_of_which_lesions_each_image_is_made(images, origins, tmp_path):
    save_bank(tmp_path / "bank", images, FACTS, origins)
    assert load_bank(tmp_path / "bank").origins == origins
    with pytest.raises(ValueError, match="There are 11 images, but origins of 12"):
        save_bank(tmp_path / "short", images[:11], FACTS, origins)
    # The digest covers them: neither another patient, nor none, nor those of a bank without.
    path = tmp_path / "bank" / "origins.json"
    whole = path.read_text()
    for spoilt in (whole.replace("eve", "bob"), "{"):
        path.write_text(spoilt)
        with pytest.raises(BankError, match="damaged"):
            load_bank(tmp_path / "bank")
    path.unlink()
    with pytest.raises(BankError, match="damaged"):
        load_bank(tmp_path / "bank")


def test_a_bank_made_of_patients_that_a_run_does_not_train_on_is_refused(images, origins, tmp_path):
    save_bank(tmp_path / "bank", images, FACTS, origins)
    bank = load_bank(tmp_path / "bank")
    same = {"train_fingerprint": "a" * 64, "path": tmp_path / "bank", "run": "runs/classifier"}
    check_bank(bank, train_patients={"ann", "bob", "eve", "joe"}, **same)
    with pytest.raises(BankError, match="lesions of 1 patients, such as eve, on whom runs/classifier does not train"):
        check_bank(bank, train_patients={"ann", "bob"}, **same)


def test_taking_fewer_is_a_prefix(images):
    taken = take_per_class(images, 5)
    assert taken.labels.tolist() == [0, 2] * 5
    np.testing.assert_array_equal(taken.pixels[taken.labels == 2], images.pixels[5:10])
    np.testing.assert_array_equal(take_per_class(images, 3).pixels, taken.pixels[:6])
    assert len(take_per_class(images, 0)) == 0


def test_taking_more_than_there_are_is_refused(images):
    with pytest.raises(BankError, match="Bank x holds 5 images of class 0, but 6 are wanted"):
        take_per_class(images, 6, source="Bank x")


def test_bank_json_is_readable_by_people(images, tmp_path):
    save_bank(tmp_path / "bank", images, FACTS)
    assert json.loads((tmp_path / "bank" / "bank.json").read_text())["label_counts"] == [5, 0, 7]


def test_a_bank_says_what_its_files_hold(images, tmp_path):
    save_bank(tmp_path / "bank", images, FACTS)
    text = (tmp_path / "bank" / "README.md").read_text()
    assert "12 images: cyst 5, metastasis 0, hemangioma 7" in text and "int16 [12, 4, 4], Hounsfield" in text
    assert "0 cyst, 1 metastasis, 2 hemangioma" in text and "restore_generator('runs/dcgan', 'best')" in text
    save_bank(tmp_path / "chosen", images, FACTS | {"selected_from": [50, 50, 50]})
    assert "restore_generator" not in (tmp_path / "chosen" / "README.md").read_text()
