"""The open door: a source that only this file knows, without a csv, is built by the verb and by TFDS's builder."""

import dataclasses

import numpy as np
import pytest

from lesion_jax.commands import main
from lesion_jax.data.dataset import load_dataset
from lesion_jax.data.folds import load_folds
from lesion_jax.errors import ConfigError, DataError
from lesion_jax.sources.base import RawLesion, Slice, Source
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.table import SOURCES


def read_arrays(folder, marks, progress):
    """One lesion in the middle of every CLASS/PATIENT.npy; 12-bit grey values."""
    assert marks == []
    paths = sorted(folder.glob("*/*.npy"))
    for done, path in enumerate(paths, start=1):
        image = Slice(np.load(path), (1.0, 1.0), path.stem, "grey", value_range=(0, 4095))
        middle = (len(image.pixels) - 1) / 2
        name = str(path.relative_to(folder))
        yield RawLesion(str(path), path, name, image, middle, middle, 10.0, label=path.parent.name)
        progress(done, len(paths))


TOY = Source("toy", "Arrays by class", (), read_arrays, about="A folder of arrays for each class.")


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(SOURCES, "toy", TOY)


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "arrays"
    for i in range(6):
        path = folder / ("scar" if i % 2 else "nodule") / f"P{i}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, np.random.default_rng(i).integers(0, 4096, (41, 41)).astype(np.int16))
    return folder


def test_the_verb_builds_it_without_a_csv(toy, folder, tmp_path, capsys):
    assert main(["build", "--source=toy", f"--input={folder}", f"--out={tmp_path / 'out'}"]) == 0
    captured = capsys.readouterr()
    assert "6 lesions of nodule, scar, pixels in grey values" in captured.out and "6/6" in captured.err
    found = load_dataset(tmp_path / "out")
    assert found.unit == "grey" and found.window == (0.0, 4095.0)
    assert [lesion.label for lesion in found.lesions].count(1) == 3
    assert len({lesion.patient for lesion in found.lesions}) == 6
    # What stands in the middle of the file stands in the centre of the patch.
    middles = {int(lesion.patch[tuple(map(round, lesion.center))]) for lesion in found.lesions}
    assert middles == {int(np.load(path)[20, 20]) for path in folder.glob("*/*.npy")}
    assert load_folds(tmp_path / "out" / "folds.json", found).num_folds == 3


def test_the_help_knows_it_and_forgets_it(folder, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setitem(SOURCES, "toy", TOY)
        assert main(["build", "--help"]) == 0
        assert "toy: Arrays by class (no csv). A folder of arrays" in " ".join(capsys.readouterr().out.split())
    assert main(["build", "--help"]) == 0
    told = capsys.readouterr().out
    assert "toy" not in told and all(f"{name}: {source.title}" in told for name, source in SOURCES.items())


def test_tfds_builder_reads_it(toy, folder, tmp_path):
    builder = pytest.importorskip("lesion_jax.data.tfds_builder")
    config = builder.CohortConfig(name="mine", input_dir=str(folder), source="toy")
    builder.Lesions(config=config, data_dir=str(tmp_path / "out")).download_and_prepare()
    assert builder.read_dataset(tmp_path / "out").fingerprint == read_lesions(folder, source="toy").fingerprint


def test_a_source_and_a_csv_that_do_not_belong_together_are_refused(toy, folder, tmp_path):
    with pytest.raises(ConfigError, match="--source is 'nrrd'; choose one of auto, dicom, png, .*toy"):
        read_lesions(folder, source="nrrd")
    with pytest.raises(ConfigError, match="--source toy takes no csv of marks; leave --annotations out"):
        read_lesions(folder, tmp_path / "lesions.csv", source="toy")
    with pytest.raises(ConfigError, match="--annotations is missing; --source png takes a csv with file, patient"):
        read_lesions(folder, source="png")
    with pytest.raises(ConfigError, match="--annotations is missing; .* with --source: .*toy"):
        read_lesions(folder)


def test_a_csv_is_never_taken_for_a_source_that_takes_none(toy, folder, tmp_path):
    (tmp_path / "lesions.csv").write_text("patient,label\nP,x\n")
    with pytest.raises(DataError, match="line 1: column .* is missing") as caught:
        read_lesions(folder, tmp_path / "lesions.csv")
    assert "toy" not in str(caught.value)


def test_classes_of_a_source_without_csv(toy, folder):
    assert read_lesions(folder, source="toy", class_names=["scar", "nodule"]).class_names == ("scar", "nodule")
    with pytest.raises(DataError, match=r"P0.npy: label 'nodule' is not one of --class_names scar"):
        read_lesions(folder, source="toy", class_names=["scar"])


def test_what_a_source_must_not_give_is_refused(folder, monkeypatch):
    def changed(change):
        def read(*arguments):
            yield from change(list(read_arrays(*arguments)))

        monkeypatch.setitem(SOURCES, "toy", dataclasses.replace(TOY, read=read))
        return read_lesions(folder, source="toy")

    with pytest.raises(DataError, match="arrays holds nothing for the source toy"):
        changed(lambda raws: [])
    with pytest.raises(DataError, match=r"P0.npy: this lesion is already marked in .*P0.npy"):
        changed(lambda raws: [*raws, raws[0]])

    def other_unit(raws, **values):
        return [*raws[:-1], dataclasses.replace(raws[-1], image=dataclasses.replace(raws[-1].image, **values))]

    with pytest.raises(DataError, match="P5.npy holds Hounsfield units, but .*P0.npy grey values from 0 to 4095; "):
        changed(lambda raws: other_unit(raws, unit="HU", value_range=None))
    with pytest.raises(DataError, match="grey values from 0 to 255, but .* grey values from 0 to 4095"):
        changed(lambda raws: other_unit(raws, value_range=(0, 255)))
    with pytest.raises(ValueError, match="unit must be one of HU, grey, got 'bel'"):
        changed(lambda raws: [other_unit([raw], unit="bel")[0] for raw in raws])
