"""How volumes and masks find each other, and whose they are."""

import numpy as np
import pytest

from lesion_jax.errors import DataError
from tests.sources.nifti.voxels import AFFINE, TUMOUR, mask, volume


def test_volumes_without_masks_and_patients_of_two_volumes(save, read, tmp_path):
    for seed, name in enumerate(("case_1_t0", "case_1_t1", "case_2_t0")):
        save(f"imagesTr/{name}.nii", volume(seed))
        save(f"labelsTr/{name}.nii", mask(TUMOUR))
    save("imagesTr/case_3_t0.nii", volume(3))
    save("imagesTs/case_4_t0.nii", volume(4))
    notes = []
    assert len({x.patient for x in read(patient=r"case_(\d+)_", note=notes.append).lesions}) == 2
    assert notes == ["1 volumes without a mask, which are left out"]
    (tmp_path / "in/dataset.json").write_text('{"labels": {"all": [1, 2], "core": 1}, "modality": ["CT"]}')
    assert read(patient=r"case_(\d+)_").class_names == ("core",)


def test_one_name_packed_and_not_is_asked_about(save, read):
    for seed, name in enumerate(("imagesTr/a.nii", "imagesTr/a.nii.gz", "imagesTr/b.nii", "imagesTr/b_0000.nii")):
        save(name, volume(seed))
    for name in ("labelsTr/a.nii.gz", "labelsTr/b.nii", "labelsTr/c.nii", "labelsTr/c.nii.gz"):
        save(name, mask(TUMOUR))
    save("imagesTr/c.nii", volume(4))
    with pytest.raises(DataError) as told:
        read()
    lines = str(told.value).splitlines()
    assert lines[0] == "3 mistakes:"
    for line, names in zip(lines[1:], (("imagesTr/a.nii", "a.nii.gz"), ("c.nii", "c.nii.gz")), strict=False):
        assert all(name in line for name in names) and line.endswith("packed and not; remove one of them.")
    assert "b.nii is a mask of " in lines[3] and lines[3].endswith("remove one of the two volumes.")


def test_images_are_found_where_a_link_leads(save, read, tmp_path):
    save("all/a.nii", volume(0))
    save("labelsTr/a.nii", mask(TUMOUR))
    (tmp_path / "in" / "imagesTr").symlink_to("all")
    assert len(read().lesions) == 1


def test_one_volume_under_two_patients_is_asked_about_though_slices_differ(save, read, tmp_path):
    save("a.nii", volume(0))
    # Stored from right to left.
    mirrored = AFFINE @ np.diag([-1, 1, 1, 1])
    save("copy.nii.gz", volume(0)[::-1], mirrored)
    save("one.nii", mask(np.s_[10:16, 20:24, 1]))
    save("other.nii", mask(np.s_[10:16, 20:24, 3])[::-1], mirrored)
    path = tmp_path / "masks.csv"
    path.write_text("image,mask,patient\na.nii,one.nii,P\ncopy.nii.gz,other.nii,Q\n")
    with pytest.raises(DataError, match="copy.nii.gz and .*a.nii .* have one set of voxels, but two patients"):
        read(path)
