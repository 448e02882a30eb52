import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lesion_jax.errors import RunError
from lesion_jax.io.export import load_export, save_export

ARRAYS = {"a.kernel": np.arange(6, dtype=np.float32).reshape(2, 3).T, "a.bias": np.float32([0.1, -2.5])}
LAYER = {"op": "dense", "tensors": {"kernel": "a.kernel", "bias": "a.bias"}}
NETWORK = {"inputs": [{"name": "x"}], "prepare": [], "layers": [], "outputs": {"logits": [LAYER]}}
DESCRIPTION = {"kind": "classifier", "networks": {"a": NETWORK}}
# (1, 2, 3) times the columns (0, 1, 2) and (3, 4, 5), and the bias.
EXAMPLE = {"a.inputs.x": np.float32([[1, 2, 3]]), "a.outputs.logits": np.float32([[8.1, 23.5]])}


@pytest.fixture
def export(tmp_path):
    save_export(tmp_path / "export", DESCRIPTION, ARRAYS, EXAMPLE)
    return tmp_path / "export"


def test_what_was_saved_comes_back(export):
    description, arrays = load_export(export)
    assert description == {"format_version": 3, **DESCRIPTION}
    assert arrays.keys() == ARRAYS.keys()
    # One of them is not contiguous.
    assert all(np.array_equal(arrays[name], ARRAYS[name]) and arrays[name].dtype == np.float32 for name in arrays)
    assert [path.name for path in export.parent.iterdir()] == ["export"]
    assert sorted(path.name for path in export.iterdir()) == ["example.safetensors", "model.json", "model.safetensors"]


def test_reading_needs_numpy_and_safetensors_alone(export, tmp_path):
    code = """
import sys
allowed = {"lesion_jax", "numpy", "safetensors"}
class Block:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root not in allowed and root not in sys.stdlib_module_names:
            raise ImportError(f"{name} is blocked")
sys.meta_path.insert(0, Block())
from lesion_jax.io.export import load_export
description, arrays = load_export(sys.argv[1])
print(description["kind"], sum(array.size for array in arrays.values()))
assert not {"jax", "flax", "orbax", "tensorflow"} & set(sys.modules)
import jax
"""
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-c", code, str(export)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout.split() == ["classifier", "8"], done.stderr[-2000:]
    # The blocking blocks.
    assert "jax is blocked" in done.stderr


@pytest.mark.parametrize("name", ["model.json", "model.safetensors", "example.safetensors"])
def test_damage_is_one_sentence_that_says_what_to_do(export, name):
    path = export / name
    whole = path.read_bytes()
    for position in (0, len(whole) // 2, len(whole) - 2):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1]) + whole[position + 1 :])
        with pytest.raises(RunError, match=r"(damaged|not readable|format version).*export the run again"):
            load_export(export)
    for broken in (whole[: len(whole) // 2], b""):
        path.write_bytes(broken)
        with pytest.raises(RunError, match=r"(damaged|not readable).*export the run again"):
            load_export(export)
    path.unlink()
    with pytest.raises(RunError, match="not readable"):
        load_export(export)


def test_an_example_that_comes_out_otherwise_is_refused(tmp_path):
    wrong = {**EXAMPLE, "a.outputs.logits": np.float32([[8.1, 23.6]])}
    save_export(tmp_path / "export", DESCRIPTION, ARRAYS, wrong)
    with pytest.raises(RunError, match=r"the logits of its a differ by 0\.1 from the example that it holds"):
        load_export(tmp_path / "export")


def test_a_changed_number_in_the_description_is_noticed(export):
    path = export / "model.json"
    path.write_text(path.read_text().replace('"a.bias"', '"a.kernel"'))
    with pytest.raises(RunError, match="damaged or was changed"):
        load_export(export)


def test_a_description_laid_out_otherwise_is_the_same(export):
    path = export / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text())))
    assert load_export(export)[0]["kind"] == "classifier"


def test_another_format_version_is_refused_naming_both(export):
    path = export / "model.json"
    path.write_text(path.read_text().replace('"format_version": 3', '"format_version": 1'))
    with pytest.raises(RunError, match="format version 1, but 3 is read here"):
        load_export(export)


def test_a_missing_export_names_the_command(tmp_path):
    with pytest.raises(RunError, match="does not exist; write one with `lesion-jax export`"):
        load_export(tmp_path / "export")


def test_an_export_that_may_not_be_read_is_one_sentence(export, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(RunError, match=r"cannot be read \(Permission denied\)"):
        load_export(export)


def test_an_existing_one_is_never_overwritten(export):
    with pytest.raises(RunError, match="exists; name another"):
        save_export(export, DESCRIPTION, ARRAYS, EXAMPLE)


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(RunError, match="No space left"):
        save_export(tmp_path / "export", DESCRIPTION, ARRAYS, EXAMPLE)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arrays", [{**ARRAYS, "b.kernel": ARRAYS["a.bias"]}, {"a.kernel": ARRAYS["a.kernel"]}])
def test_arrays_that_no_layer_names_and_names_without_array_are_refused(arrays, tmp_path):
    with pytest.raises(ValueError, match=r"b\.kernel|a\.bias"):
        save_export(tmp_path / "export", DESCRIPTION, arrays, EXAMPLE)
    assert list(tmp_path.iterdir()) == []
