"""Folders of NIfTI files: written, and read as a source."""

import nibabel
import pytest

from lesion_jax.sources.cohort import read_lesions
from tests.sources.nifti.voxels import AFFINE


@pytest.fixture
def save(tmp_path):
    def write(name, values, affine=AFFINE):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nibabel.save(nibabel.Nifti1Image(values, affine), path)
        return path

    return write


@pytest.fixture
def read(tmp_path):
    return lambda *rows, **options: read_lesions(tmp_path / "in", *rows, **{"source": "nifti", **options})
