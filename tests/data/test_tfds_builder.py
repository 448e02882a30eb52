"""The TFDS builder: what is written reads back to the bit, also as plain TFDS, and nothing private is in it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.errors import DataError

builder = pytest.importorskip("lesion_jax.data.tfds_builder")


def _lesion(i: int) -> Lesion:
    draw = np.random.default_rng(i)
    return Lesion(
        lesion_id=f"{i:016x}",
        patient=f"{i // 2:016x}",
        label=i % 2,
        diameter_mm=float(np.float32(10.1 + i)),
        spacing_mm=(float(np.float32(0.7)), float(np.float32(0.8))),
        center=(float(np.float32(3.3)), 3.5),
        patch=draw.integers(-1024, 3071, (7 + 2 * i, 7 + 2 * i), np.int16),
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    lesions = LesionSet.of([_lesion(i) for i in range(5)], ("cyst", "metastasis"), "HU", phantom={"seed": 3})
    out = tmp_path_factory.mktemp("dataset")
    builder.write_dataset(lesions, out)
    return lesions, out


def test_what_is_written_reads_back_to_the_bit(written):
    lesions, out = written
    found = builder.read_dataset(out)
    assert found.fingerprint == lesions.fingerprint and found.class_names == lesions.class_names
    assert found.phantom == {"seed": 3}
    for mine, theirs in zip(lesions.lesions, found.lesions, strict=True):
        assert {**vars(mine), "patch": None} == {**vars(theirs), "patch": None}
        assert theirs.patch.dtype == np.int16
        np.testing.assert_array_equal(mine.patch, theirs.patch)


def test_it_is_a_tfds_dataset_of_tfrecords(written):
    import tensorflow_datasets as tfds

    (place,) = written[1].glob("lesions/*/1.0.0")
    info = tfds.builder_from_directory(str(place)).info
    assert info.file_format.value == "tfrecord" and info.splits["lesions"].num_examples == 5
    assert info.features["label"].names == ["cyst", "metastasis"]
    assert info.features["patch"].np_dtype == np.int16 and info.features["patch"].shape == (None, None)
    # Negative HU take two bytes, not ten, before compression.
    size = sum(path.stat().st_size for path in place.glob("*.tfrecord*"))
    assert size < 2 * sum(x.patch.nbytes for x in written[0].lesions) + 5 * 400


def test_no_place_of_the_sources_is_in_it(written, tmp_path):
    for path in written[1].rglob("*"):
        if path.is_file():
            assert str(tmp_path.parent.parent).encode() not in path.read_bytes()


def test_the_builder_reads_the_source_of_its_config(tmp_path):
    for grey, name in enumerate(("a", "b")):
        Image.fromarray(np.full((40, 50), grey, np.uint8)).save(tmp_path / f"{name}.png")
    csv = tmp_path / "lesions.csv"
    csv.write_text("file,patient,spacing_mm,row,column,diameter_mm,label\na.png,P,1,9,9,5,x\nb.png,Q,1,9,9,5,y\n")
    # What `tfds build lesions --config '{...}'` does with its words.
    config = builder.Lesions.builder_config_cls(
        name="mine", input_dir=str(tmp_path), annotations=str(csv), class_names="y,x"
    )
    builder.Lesions(config=config, data_dir=str(tmp_path / "out")).download_and_prepare()
    found = builder.read_dataset(tmp_path / "out")
    assert found.class_names == ("y", "x") and len(found.lesions) == 2 and found.unit == "grey"
    with pytest.raises(DataError, match="must name input_dir"):
        builder.Lesions(data_dir=str(tmp_path / "other"))


@pytest.mark.parametrize(("unit", "value_range"), [("HU", None), ("grey", None), ("grey", (0.0, 4095.0))])
def test_the_unit_is_part_of_the_dataset(tmp_path, unit, value_range):
    lesions = LesionSet.of([_lesion(0)], ("cyst",), unit, value_range)
    builder.write_dataset(lesions, tmp_path)
    found = builder.read_dataset(tmp_path)
    assert (found.unit, found.value_range, found.window) == (unit, value_range, lesions.window)
    assert found.fingerprint == lesions.fingerprint
    (metadata,) = tmp_path.glob("lesions/*/1.0.0/metadata.json")
    metadata.write_text(metadata.read_text().replace(f'"{unit}"', '"bel"'))
    with pytest.raises(DataError, match="is damaged .*unit must be one of HU, grey, got 'bel'"):
        builder.read_dataset(tmp_path)


def test_nothing_is_left_in_the_temporary_folder(written, tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    builder.write_dataset(written[0], tmp_path / "out")
    builder.read_dataset(tmp_path / "out")
    assert list((tmp_path / "temporary").iterdir()) == []
    # TFDS's own class does leave something, so this test would see it.
    monkeypatch.setattr(builder, "_Info", tfds.core.DatasetInfo)
    builder.write_dataset(written[0], tmp_path / "second")
    assert len(list((tmp_path / "temporary").iterdir())) == 1


def test_an_absent_dataset_is_none_and_a_damaged_one_is_refused(written, tmp_path):
    assert builder.read_dataset(tmp_path) is None
    for name, damage in (
        ("flipped", lambda path: path.write_bytes(path.read_bytes()[:300] + b"\0" + path.read_bytes()[301:])),
        ("truncated", lambda path: path.write_bytes(path.read_bytes()[:-40])),
        ("emptied", lambda path: path.write_bytes(b"")),
        ("gone", lambda path: path.unlink()),
        ("info cut", lambda path: (path.parent / "dataset_info.json").write_text('{"na')),
        ("info of another kind", lambda path: (path.parent / "features.json").write_text("[1]")),
    ):
        copy = tmp_path / name
        shutil.copytree(written[1], copy)
        (record,) = copy.rglob("*.tfrecord*")
        damage(record)
        with pytest.raises(DataError, match="run `lesion-jax build` again") as caught:
            builder.read_dataset(copy)
        assert not re.search(r"function_node|Op:|\n", str(caught.value))


@pytest.mark.slow
def test_tensorflow_logs_nothing_of_a_damaged_dataset(written, tmp_path):
    shutil.copytree(written[1], tmp_path / "cut")
    (record,) = (tmp_path / "cut").rglob("*.tfrecord*")
    record.write_bytes(record.read_bytes()[:-40])
    # JAX first: it sets TensorFlow's log level, too low.
    script = f"""
import pathlib, jax
from lesion_jax.errors import DataError
from lesion_jax.data.tfds_builder import read_dataset
try: read_dataset(pathlib.Path({str(tmp_path / "cut")!r}))
except DataError: print("refused")
"""
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "JAX_PLATFORMS": "cpu", "PATH": ""}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("refused\n", "")


def test_what_tensorflow_says_of_the_disk_is_an_oserror_and_a_defect_stays_one(written, tmp_path, monkeypatch):
    import tensorflow as tf

    full = tf.errors.ResourceExhaustedError(None, None, "some/place; No space left on device")
    for error, expected in ((full, OSError), (RuntimeError("defect"), RuntimeError)):

        def fail(self, error=error):
            raise error
            yield

        monkeypatch.setattr(builder.Lesions, "_generate_examples", fail)
        with pytest.raises(expected, match="^No space left on device$" if expected is OSError else "defect"):
            builder.write_dataset(written[0], tmp_path)


def test_two_datasets_in_one_place_are_refused(written, tmp_path):
    shutil.copytree(written[1], tmp_path / "two")
    (place,) = (tmp_path / "two" / "lesions").glob("[!.]*")
    shutil.copytree(place, place.with_name("other"))
    with pytest.raises(DataError, match="holds 2 datasets"):
        builder.read_dataset(tmp_path / "two")


def test_accelerators_are_hidden_from_tensorflow(written):
    import tensorflow as tf

    builder.read_dataset(written[1])
    assert not tf.config.get_visible_devices("GPU")
