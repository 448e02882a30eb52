"""Folders of NIfTI volumes and masks: how they find each other, which labels are lesions, and what is refused."""

import json
import math
import struct

import nibabel
import numpy as np
import pydicom
import pytest

from lesion_jax.commands import main
from lesion_jax.errors import ConfigError, DataError
from lesion_jax.sources.cohort import read_lesions
from tests.sources.nifti.voxels import AFFINE, ORGAN, TUMOUR, mask, volume


def test_the_decathlons_layout_and_names(save, read, tmp_path):
    for i in range(3):
        save(f"imagesTr/case_{i}.nii.gz", volume(i))
        save(f"labelsTr/case_{i}.nii.gz", mask(ORGAN, TUMOUR))
    save("imagesTs/case_9.nii.gz", volume(9))
    # What a Mac leaves in archives.
    (tmp_path / "in" / "labelsTr" / "._case_0.nii.gz").write_bytes(b"Mac")
    with pytest.raises(DataError, match="outlined is '1', '2': say with --labels which are lesions"):
        read()
    described = {"modality": {"0": "CT"}, "labels": {"0": "background", "1": "liver", "2": "cancer"}}
    (tmp_path / "in" / "dataset.json").write_text(json.dumps(described))
    found = read(labels=["cancer=tumour"])
    assert found.class_names == ("tumour",) and len({lesion.patient for lesion in found.lesions}) == 3
    middles = {int(lesion.patch[tuple(map(int, lesion.center))]) for lesion in found.lesions}
    # Centre (12.5, 21.5) of left and back, slice 2, the first of the two.
    assert middles == {int(volume(i)[12, 21, 2]) for i in range(3)}
    for lesion in found.lesions:
        assert lesion.diameter_mm == pytest.approx(0.8 * (np.hypot(5, 3) + 1))


@pytest.mark.slow
def test_the_verb_takes_a_folder_for_what_it_is(save, tmp_path, capsys, caplog):
    for i in range(3):
        save(f"imagesTr/case_{i}.nii.gz", volume(i))
        save(f"labelsTr/case_{i}.nii.gz", mask(ORGAN, TUMOUR))
    assert main(["build", f"--input={tmp_path / 'in'}", f"--out={tmp_path / 'out'}", "--labels=1=liver,2"]) == 0
    assert "6 lesions of liver, 2" in capsys.readouterr().out
    assert "is taken for the source nifti, since it holds 6 NIfTI files" in caplog.text


def test_lits_and_nnunet_layouts(save, read, tmp_path):
    save("volume-0.nii", volume(0))
    save("segmentation-0.nii", mask(TUMOUR))
    save("more/imagesTr/a_0000.nii.gz", volume(1))
    save("more/labelsTr/a.nii.gz", mask(TUMOUR))
    (tmp_path / "in" / "dataset.json").write_text(
        json.dumps({"channel_names": {"0": "CT"}, "labels": {"background": 0, "lesion": 1}})
    )
    found = read(source="auto")
    assert len(found.lesions) == 2 and found.class_names == ("lesion",)


def test_a_csv_names_files_patients_and_classes(save, read, tmp_path):
    save("a.nii", volume(0))
    save("b.nii", volume(1))
    save("cysts.nii", mask(TUMOUR))
    save("metastases.nii", mask(ORGAN))
    path = tmp_path / "masks.csv"
    rows = ("a.nii,cysts.nii,P,cyst,x", "./a.nii,metastases.nii,P,met,x", "b.nii,cysts.nii,P,cyst,y")
    path.write_text("\n".join(["image,mask,patient,label,site", *rows]))
    found = read(path, source="auto")
    assert [found.class_names[lesion.label] for lesion in found.lesions].count("cyst") == 2
    assert len({lesion.patient for lesion in found.lesions}) == 1
    assert sorted(lesion.tags["site"] for lesion in read(path, tags=["site"]).lesions) == ["x", "x", "y"]
    path.write_text("image,mask,patient\na.nii,cysts.nii,P\n./a.nii,metastases.nii,Q\n")
    with pytest.raises(DataError, match=r"line 3: patient is 'Q', but .* line 2 gives the same volume to 'P'"):
        read(path)
    path.write_text("image,mask,patient\na.nii,cysts.nii,P\nnone.nii,cysts.nii,P\na.nii,none.nii,P\n")
    with pytest.raises(DataError) as caught:
        read(path)
    assert str(caught.value).startswith("2 mistakes:") and str(caught.value).count("none.nii does not exist") == 2


def test_every_mask_that_cannot_be_used_is_named_at_once(save, read):
    save("imagesTr/a.nii.gz", volume(0)[:, :, :4])
    save("labelsTr/a.nii.gz", mask(TUMOUR))
    save("imagesTr/b.nii.gz", volume(1), AFFINE + np.eye(4, k=3) * 5)
    save("labelsTr/b.nii.gz", mask(TUMOUR))
    save("labelsTr/c.nii.gz", mask(TUMOUR))
    save("imagesTr/d.nii.gz", np.stack([volume(2)] * 2, -1))
    save("labelsTr/d.nii.gz", mask(TUMOUR))
    save("imagesTr/e.nii.gz", volume(3))
    save("labelsTr/e.nii.gz", mask(TUMOUR) * 0.5)
    save("imagesTr/f.nii.gz", volume(4) * np.float32(np.nan))
    save("labelsTr/f.nii.gz", mask(TUMOUR))
    damaged = save("imagesTr/g.nii.gz", volume(5))
    damaged.write_bytes(damaged.read_bytes()[:1000])
    save("labelsTr/g.nii.gz", mask(TUMOUR))
    with pytest.raises(DataError) as caught:
        read()
    told = str(caught.value)
    assert told.startswith("7 mistakes:")
    for message in (
        "a.nii.gz has 5 x 40 x 40 voxels (slices, rows, columns), but its volume",
        "b.nii.gz lies up to 5 mm away from its volume",
        "c.nii.gz is a mask, but its volume",
        "d.nii.gz has 4 dimensions",
        "e.nii.gz is no mask: it has values between whole numbers",
        "f.nii.gz: slice 2 has values that are no numbers",
        "g.nii.gz is damaged (Compressed file ended",
    ):
        assert message in told


def test_doubts_stop_unless_accepted(save, read, tmp_path):
    save("imagesTr/a.nii.gz", volume(0) + np.int16(1000))
    speck = mask(np.s_[10:16, 20:24, 2], np.s_[0:0, :, :])
    speck[0, 0, 0] = 1
    save("labelsTr/a.nii.gz", speck)
    save("imagesTr/b.nii.gz", volume(1))
    save("labelsTr/b.nii.gz", mask())
    with pytest.raises(DataError) as caught:
        read()
    assert "b.nii.gz marks nothing (--accept=empty" in str(caught.value)
    assert (
        "a.nii.gz: slice 2 has no value below 0; if it is no CT, give --grey_range=0.5%,99.5% (--accept=not_ct"
        in str(caught.value)
    )
    notes = []
    assert len(read(accept=["empty", "not_ct"], note=notes.append).lesions) == 1
    assert "1 regions of masks of fewer than 4 pixels, which are left out" in notes
    (tmp_path / "in" / "dataset.json").write_text("[1]")
    with pytest.raises(DataError, match=r"dataset.json is no description of a data set"):
        read()


def test_volumes_of_no_ct_become_grey_values_of_their_own_range(save, read, tmp_path):
    for i in range(2):
        save(f"imagesTr/c{i}.nii.gz", volume(i) * np.float32(100**i))
        save(f"labelsTr/c{i}.nii.gz", mask(TUMOUR))
    (tmp_path / "in" / "dataset.json").write_text('{"modality": {"0": "MRI"}, "labels": {"0": "no", "1": "x"}}')
    found = read()
    assert (found.unit, found.value_range) == ("grey", (0.0, 1000.0))
    wanted = set()
    for i in range(2):
        low, high = np.percentile(volume(i)[::2, ::2], [0.5, 99.5])
        wanted.add(round((int(volume(i)[12, 21, 2]) - low) * 1000 / (high - low)))
    assert {int(x.patch[tuple(map(int, x.center))]) for x in found.lesions} == wanted


def test_labels_are_checked(save, read, tmp_path):
    save("volume-0.nii", volume(0))
    save("segmentation-0.nii", mask(ORGAN, TUMOUR))
    with pytest.raises(DataError, match=r"--labels names '3', but what is outlined is '1', '2'"):
        read(labels=["2", "3"])
    assert read(labels=["2=x", "1=x"]).class_names == ("x",)
    assert read(labels=["?"]).class_names == ("1", "2") and read(labels=["*=x", "1"]).class_names == ("1", "x")
    for labels, message in ((["2="], "write LABEL or LABEL=CLASS"), (["2", "2=x"], "names '2' twice")):
        with pytest.raises(ConfigError, match=message):
            read(labels=labels)
    (tmp_path / "lesions.csv").write_text("sop_instance_uid,row,column,diameter_mm,label\n1.2,1,2,3,x\n")
    with pytest.raises(ConfigError, match="--labels does not go with --source dicom"):
        read_lesions(tmp_path / "in", tmp_path / "lesions.csv", labels=["x"])


def test_a_real_series_with_its_organs(real_data, save, tmp_path):
    """20 slices as NIfTI, and TotalSegmentator's labels as they came; all is read without the package too."""
    folder = real_data / "dicom" / "totalseg_ct20"
    (tmp_path / "in" / "labelsTr").mkdir(parents=True)
    (tmp_path / "in" / "labelsTr" / "a.nii.gz").symlink_to(folder / "_example_seg_dicom.nii.gz")
    labels = np.asarray(nibabel.load(folder / "_example_seg_dicom.nii.gz").dataobj)[:, ::-1].transpose(2, 1, 0)
    slices = sorted(map(pydicom.dcmread, folder.glob("CT*")), key=lambda one: one.ImagePositionPatient[2])
    hu = np.stack([one.pixel_array.astype(np.int16) - 1024 for one in slices])
    corner, spacing = np.array(slices[0].ImagePositionPatient, float), float(slices[0].PixelSpacing[0])
    affine = np.diag([-spacing, -spacing, 2.0, 1])
    affine[:3, 3] = corner * [-1, -1, 1]
    save("imagesTr/a.nii.gz", hu.transpose(2, 1, 0), affine)
    # The stomach.
    (lesion,) = read_lesions(tmp_path / "in", labels=["6=x"]).lesions
    index = int((labels == 6).sum((1, 2)).argmax())
    row, column = np.argwhere(labels[index] == 6).mean(0)
    np.testing.assert_allclose([x % 1 for x in lesion.center], [row % 1, column % 1], atol=0.01)
    half = len(lesion.patch) // 2
    at = np.s_[round(row) - 40 : round(row) + 41, round(column) - 40 : round(column) + 41]
    np.testing.assert_array_equal(lesion.patch[half - 40 : half + 41, half - 40 : half + 41], hu[index][at])


def test_a_folder_without_pairs_says_how_files_are_named(save, read, tmp_path):
    save("scan.nii.gz", volume(0))
    with pytest.raises(DataError, match="holds no NIfTI volumes with masks named as imagesTr/X, labelsTr/X"):
        read()
    with pytest.raises(DataError, match="gone cannot be read"):
        read_lesions(tmp_path / "gone", source="nifti")


def test_a_header_that_contradicts_itself_is_asked_about(save, read):
    path = save("imagesTr/a.nii", volume(0))
    save("labelsTr/a.nii", mask(TUMOUR))
    whole = path.read_bytes()

    def with_floats(at, *values):
        path.write_bytes(whole[:at] + struct.pack(f"<{len(values)}f", *values) + whole[at + 4 * len(values) :])

    # scl_slope and scl_inter; 0 and NaN stand for none.
    for slope, intercept in ((-1, 0), (math.inf, 0), (1, math.nan)):
        with_floats(112, slope, intercept)
        with pytest.raises(DataError, match=rf"a.nii: scl_slope is {slope:g} and scl_inter {intercept:g}; they must"):
            read()
    for slope in (0, math.nan):
        with_floats(112, slope, 7)
        assert len(read().lesions) == 1
    # pixdim, of which the affine knows nothing.
    with_floats(80, 1, 1, 1)
    with pytest.raises(DataError, match="other distances in pixdim than in its affine.*--accept=voxels"):
        read()


def test_a_range_says_that_a_volume_is_no_ct(save, read):
    save("imagesTr/a.nii", np.clip(volume(0), 0, None))
    save("labelsTr/a.nii", mask(TUMOUR))
    with pytest.raises(DataError, match="if it is no CT, give --grey_range"):
        read()
    found = read(grey_range="0,200")
    assert found.unit == "grey" and found.lesions[0].patch.max() <= 1000
