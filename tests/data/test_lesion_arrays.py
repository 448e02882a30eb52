import dataclasses
import sys

import numpy as np
import pytest

from lesion_jax.core.types import LesionSet
from lesion_jax.data.dataset import load_dataset
from lesion_jax.data.lesion_arrays import read_lesion_arrays, write_lesion_arrays
from lesion_jax.data.tfds_builder import read_dataset, write_dataset
from tests.train.tiny import cohort


@pytest.fixture
def built(tmp_path):
    lesions = cohort().lesions
    # With tags, of which one lesion has none.
    tagged = [dataclasses.replace(x, tags={"site": x.patient[-1]} if i else {}) for i, x in enumerate(lesions.lesions)]
    write_dataset(LesionSet.of(tagged, lesions.class_names, "HU", phantom={"seed": 3}), tmp_path)
    read = read_dataset(tmp_path)
    assert [x.tags for x in read.lesions] == [x.tags for x in tagged] and read.fingerprint != lesions.fingerprint
    write_lesion_arrays(read, tmp_path)
    return tmp_path, read


def test_the_copy_is_the_records_without_tensorflow(built, monkeypatch):
    directory, read = built
    monkeypatch.setitem(sys.modules, "lesion_jax.data.tfds_builder", None)
    found = load_dataset(directory)
    assert found.fingerprint == read.fingerprint and found.class_names == read.class_names
    assert found.phantom == read.phantom == {"seed": 3}
    for one, other in zip(found.lesions, read.lesions, strict=True):
        fields = [{k: v for k, v in dataclasses.asdict(x).items() if k != "patch"} for x in (one, other)]
        assert fields[0] == fields[1]
        np.testing.assert_array_equal(one.patch, other.patch)


@pytest.mark.parametrize("spoil", ["records", "cut", "one pixel", "gone"])
def test_a_copy_that_is_damaged_or_not_of_the_records_is_passed_over_aloud(built, spoil, caplog):
    directory, read = built
    copy = directory / "lesions.safetensors"
    if spoil == "records":
        info = next(directory.rglob("dataset_info.json"))
        info.write_text(info.read_text() + "\n")
    elif spoil == "cut":
        copy.write_bytes(copy.read_bytes()[:100])
    elif spoil == "one pixel":
        content = bytearray(copy.read_bytes())
        # Pixels are most of the file.
        content[len(content) // 2] ^= 1
        copy.write_bytes(content)
    else:
        copy.unlink()
    assert read_lesion_arrays(directory) is None
    said = {"records": "lesions.safetensors is not of the records", "gone": ""}
    assert said.get(spoil, "lesions.safetensors is damaged") in caplog.text and (spoil != "gone" or not caplog.text)
    assert load_dataset(directory).fingerprint == read.fingerprint


def test_the_same_lesions_make_the_same_bytes(built):
    directory, read = built
    before = (directory / "lesions.safetensors").read_bytes()
    write_lesion_arrays(read, directory)
    assert (directory / "lesions.safetensors").read_bytes() == before


@pytest.mark.parametrize("value_range", [None, (0.0, 4095.0)])
def test_the_unit_is_in_the_copy(tmp_path, value_range):
    grey = LesionSet.of(cohort().lesions.lesions, cohort().lesions.class_names, "grey", value_range)
    write_lesion_arrays(grey, tmp_path)
    found = read_lesion_arrays(tmp_path)
    assert found is not None and found.fingerprint == grey.fingerprint
    assert (found.unit, found.value_range, found.window) == ("grey", value_range, value_range or (0.0, 255.0))
