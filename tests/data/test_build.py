"""Dataset and folds come together, whole, or not at all; a bad input ends before anything is written."""

import collections
import dataclasses
import errno
import os
import shutil
from csv import DictReader
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lesion_jax.commands import main
from lesion_jax.data.augment import augmented, original
from lesion_jax.data.build import build_dataset
from lesion_jax.data.dataset import load_dataset
from lesion_jax.data.folds import load_folds
from lesion_jax.errors import FoldError, LesionJaxError, RunError
from lesion_jax.sources import patches

HEADER = "file,patient,spacing_mm,row,column,diameter_mm,label"


def _write_sources(folder, num_patients=6):
    """A slice and two lesions of one class per patient, two classes; returns the csv."""
    folder.mkdir(exist_ok=True)
    lines = [HEADER]
    for i in range(num_patients):
        hu = np.random.default_rng(i).normal(100, 20, (60, 64)).astype(np.int32)
        Image.fromarray((hu + 32768).astype(np.uint16)).save(folder / f"{i}.png")
        lines += [f"{i}.png,P{i},0.8,{row},30.4,{6 + i},{'xy'[i % 2]}" for row in (20, 41.5)]
    path = folder / "lesions.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("build")
    csv = _write_sources(folder / "input")
    lesions = build_dataset(folder / "input", csv, folder / "out")
    return folder, csv, lesions


def test_dataset_and_folds_are_written_and_load(built):
    folder, _, lesions = built
    found = load_dataset(folder / "out")
    assert found.fingerprint == lesions.fingerprint and len(found.lesions) == 12
    folds = load_folds(folder / "out" / "folds.json", found)
    assert folds.num_folds == 3 and set(folds.fold_of) == {x.patient for x in found.lesions}
    assert collections.Counter(folds.fold_of.values()) == {0: 2, 1: 2, 2: 2}
    # Nothing beside it, and others may read it.
    assert {path.name for path in folder.iterdir()} == {"input", "out"}
    assert (folder / "out").stat().st_mode == (folder / "input").stat().st_mode


def test_the_same_command_again_changes_nothing_and_another_is_refused(built):
    folder, csv, lesions = built
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    assert build_dataset(folder / "input", csv, folder / "out").fingerprint == lesions.fingerprint
    with pytest.raises(RunError, match="other folds"):
        build_dataset(folder / "input", csv, folder / "out", fold_seed=1)
    with pytest.raises(RunError, match="another dataset"):
        build_dataset(folder / "input", csv, folder / "out", class_names=["y", "x"])
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before


def test_a_damaged_dataset_is_not_taken_for_a_finished_one(built, tmp_path):
    folder, csv, _ = built
    shutil.copytree(folder / "out", tmp_path / "out")
    (tmp_path / "out" / "folds.json").unlink()
    with pytest.raises(RunError, match="not whole; remove it"):
        build_dataset(folder / "input", csv, tmp_path / "out")


def test_every_augmentation_finds_its_context_at_the_largest_margin(built):
    for lesion in built[2].lesions:
        assert augmented(lesion, range(480), 8, patches.MAX_MARGIN, 0).shape == (480, 8, 8)
        # Beyond the slice of 48 mm its edge goes on: no black corners.
        assert original(lesion, 8, patches.MAX_MARGIN).min() > 0


def test_without_folds_there_is_no_file_of_them(built, tmp_path):
    (tmp_path / "out").mkdir()
    build_dataset(built[0] / "input", built[1], tmp_path / "out", num_folds=0)
    card = {"README.md", "card.json", "card.png"}
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"lesions", "lesions.safetensors", *card}


def _fail_on_empty(folder, csv, out):
    shutil.rmtree(folder)
    folder.mkdir()


def _fail_on_class_of_one(folder, csv, out):
    csv.write_text(csv.read_text() + "0.png,P0,0.8,9,9,5,rare\n")


def _fail_on_outside(folder, csv, out):
    csv.write_text(csv.read_text() + "0.png,P0,0.8,60,9,5,x\n")


def _fail_on_taken(folder, csv, out):
    out.mkdir()
    (out / "thesis.txt").write_text("mine")


def _fail_on_file(folder, csv, out):
    out.write_text("mine")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (_fail_on_empty, "lesions.csv cannot be read"),
        (_fail_on_class_of_one, "'rare' has 1 patients, fewer than the 3 folds"),
        (_fail_on_outside, "lesions.csv line 14: row 60 lies outside"),
        (_fail_on_taken, "--out .* is not an empty directory"),
        (_fail_on_file, "--out .* is not an empty directory"),
    ],
)
def test_bad_input_ends_before_anything_is_written(tmp_path, spoil, message, monkeypatch):
    csv = _write_sources(tmp_path / "input")
    spoil(tmp_path / "input", csv, tmp_path / "out")
    monkeypatch.setattr(Path, "mkdir", lambda *_, **__: pytest.fail("something was written"))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(LesionJaxError, match=message) as caught:
        build_dataset(tmp_path / "input", csv, tmp_path / "out")
    assert "\n" not in str(caught.value) and sorted(tmp_path.rglob("*")) == before


def test_a_read_only_place_is_refused_before_the_sources_are_read(tmp_path, monkeypatch):
    # Root may write anywhere but on a read-only file system, so the answer of the system is put on.
    monkeypatch.setattr("lesion_jax.disk.building.os.access", lambda path, mode: False)
    with pytest.raises(RunError, match="--out .* is read-only"):
        build_dataset(tmp_path / "none", tmp_path / "none.csv", tmp_path / "deep" / "out")
    assert not list(tmp_path.iterdir())


def test_a_disk_without_room_is_refused_with_both_numbers(built, tmp_path, monkeypatch):
    monkeypatch.setattr("lesion_jax.disk.room.shutil.disk_usage", lambda path: shutil._ntuple_diskusage(9, 9, 1 << 19))
    with pytest.raises(RunError, match=r"takes up to 1\.\d MiB, but 0\.5 MiB are free"):
        build_dataset(built[0] / "input", built[1], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_fills_meanwhile_leaves_nothing(built, tmp_path, monkeypatch):
    def full(folds, path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("lesion_jax.data.build.save_folds", full)
    with pytest.raises(RunError, match="--out .* cannot be written .No space left on device.; make room"):
        build_dataset(built[0] / "input", built[1], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_reads_back_differently_is_not_kept(built, tmp_path, monkeypatch):
    lesions = built[2]
    monkeypatch.setattr(
        "lesion_jax.data.build.load_dataset", lambda path: dataclasses.replace(lesions, fingerprint="other")
    )
    with pytest.raises(RunError, match="reads back differently"):
        build_dataset(built[0] / "input", built[1], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_a_killed_process_left_is_removed(built, tmp_path):
    (tmp_path / ".out.building" / "lesions").mkdir(parents=True)
    (tmp_path / ".out.building" / "half").write_text("written")
    build_dataset(built[0] / "input", built[1], tmp_path / "out", num_folds=0)
    assert [path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("lesions")] == ["out"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_file_in_the_place_of_the_folder_is_called_a_file(tmp_path):
    (tmp_path / "note").write_text("mine")
    with pytest.raises(RunError, match="note is not a directory"):
        build_dataset(tmp_path / "none", tmp_path / "none.csv", tmp_path / "note" / "out")


@pytest.mark.parametrize("num_folds", [1, -2])
def test_no_cross_validation_is_refused_before_the_sources_are_read(tmp_path, num_folds):
    with pytest.raises(FoldError, match=f"num_folds is {num_folds}"):
        build_dataset(tmp_path / "none", tmp_path / "none.csv", tmp_path / "out", num_folds=num_folds)


def test_too_many_folds_are_refused(built, tmp_path):
    with pytest.raises(FoldError, match="3 patients, fewer than the 4 folds"):
        build_dataset(built[0] / "input", built[1], tmp_path / "out", num_folds=4)


def test_the_command_builds_and_fails_with_one_sentence(built, tmp_path, capsys):
    folder, csv, _ = built
    words = ["build", f"--input={folder / 'input'}", f"--annotations={csv}", f"--out={tmp_path / 'out'}"]
    assert main([*words, "--class_names=y,x", "--num_folds=2"]) == 0
    captured = capsys.readouterr()
    assert "12 lesions of y, x, pixels in Hounsfield units" in captured.out and "6/6" in captured.err
    assert load_dataset(tmp_path / "out").class_names == ("y", "x")
    assert main(["build", f"--input={folder}", f"--annotations={tmp_path}", f"--out={tmp_path / 'b'}"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(words[:-1]) == 2 and "--out" in capsys.readouterr().err


def test_a_dry_run_writes_only_what_is_asked_for(built, tmp_path, capsys):
    folder, csv, _ = built
    words = ["build", f"--input={folder / 'input'}", f"--annotations={csv}", "--dry-run"]
    assert main([*words, f"--out={tmp_path / 'out'}", f"--contact_sheet={tmp_path / 'sheet'}"]) == 0
    told = capsys.readouterr()
    assert "nothing is wrong" in told.out and "1 of 7 files below --input hold no lesion" in told.out
    assert "smallest class: x, 3 patients for 3 folds, about 1.0 to test on" in told.out
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")} == {
        *("sheet", "sheet/index.html", "sheet/0-x.png", "sheet/1-y.png")
    }


def test_all_that_is_wrong_is_counted_told_and_written_by_row(built, tmp_path, capsys):
    folder, csv, _ = built
    bad = tmp_path / "bad.csv"
    rows = ["9.png,P,0.8,1,1,5,x", "9.png,P,0.8,9,9,5,x", "0.png,P0,0.8,70,1,5,x", "0.png,P0,0.8,9,9,0.5,x"]
    bad.write_text(csv.read_text() + "\n".join(rows) + "\n")
    words = ["build", f"--input={folder / 'input'}", f"--annotations={bad}", f"--refusals={tmp_path / 'refusals.csv'}"]
    records = []
    for more in ("--dry_run", f"--out={tmp_path / 'out'}"):
        assert main([*words, more]) == 2
        told = capsys.readouterr()
        assert "3 mistakes:" in told.err and "does not exist" in told.err and "(" + str(bad) + " line 14" in told.err
        with (tmp_path / "refusals.csv").open() as file:
            records.append([(row["line"], row["accept"], row["mistake"][-20:]) for row in DictReader(file)])
        assert (more != "--dry_run") or "3 mistakes in 4 rows" in told.out
    assert records[0] == records[1] and not (tmp_path / "out").exists()
    assert [(line, accept) for line, accept, _ in records[0]] == [("16", ""), ("14", ""), ("15", ""), ("17", "size")]
    # What is right leaves no word of an earlier run.
    assert main([words[0], words[1], f"--annotations={csv}", words[3], "--dry_run"]) == 0
    assert (tmp_path / "refusals.csv").read_text() == "line,accept,mistake\n"
