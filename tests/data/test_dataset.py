"""Loading names what is missing and the command that makes it, before TensorFlow is imported."""

import subprocess
import sys
from pathlib import Path

import pytest

from lesion_jax.data.dataset import load_dataset
from lesion_jax.errors import DataError


def test_a_missing_or_empty_directory_is_refused_with_the_command(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(DataError, match="lesion-jax build --input .* --out ") as caught:
            load_dataset(path)
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["is_dir", "iterdir"])
def test_a_directory_without_permission_is_one_sentence(tmp_path, monkeypatch, name):
    def refuse(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, name, refuse)
    with pytest.raises(DataError, match=r"cannot be read \(Permission denied\)"):
        load_dataset(tmp_path)


def test_a_missing_directory_costs_no_import_of_tensorflow():
    code = (
        "import sys, pathlib\n"
        "import lesion_jax.data.build\n"
        "from lesion_jax.data.dataset import load_dataset\n"
        "try: load_dataset(pathlib.Path('none'))\n"
        "except Exception: print('tensorflow' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
