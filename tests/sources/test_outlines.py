"""One lesion, four ways: a csv, a NIfTI mask, a DICOM segmentation and a structure set give the very same ROI."""

import csv

import nibabel
import numpy as np
import pydicom
import pytest
from scipy.spatial.distance import pdist

from lesion_jax.data.augment import original
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.phantom.write import write_phantom
from tests.sources.seg_writer import outline, write_rtstruct, write_seg

COUNTS = {"cyst": 1, "metastasis": 1, "hemangioma": 1}


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """The phantom's folder, and of every patient the slices in ascending z with a mask of discs for every class.

    Each disc is the csv's on the marked slice, and smaller on the next.
    """
    folder = tmp_path_factory.mktemp("scene") / "phantom"
    with write_phantom(folder, num_lesions=COUNTS).open() as file:
        marks = list(csv.DictReader(file))
    patients = []
    for series in sorted(folder.glob("patient_*")):
        slices = sorted(map(pydicom.dcmread, series.iterdir()), key=lambda one: one.ImagePositionPatient[2])
        uids = [one.SOPInstanceUID for one in slices]
        masks = {}
        for mark in marks:
            if mark["sop_instance_uid"] in uids:
                mask = masks.setdefault(mark["label"], np.zeros((len(slices), 512, 512), bool))
                index, radius = uids.index(mark["sop_instance_uid"]), float(mark["diameter_mm"]) / 2
                rows, columns = np.mgrid[:512, :512] * float(slices[0].PixelSpacing[0])
                away = np.hypot(*(a - float(mark[b]) * a[1, 1] for a, b in ((rows, "row"), (columns, "column"))))
                mask[index] |= away <= radius
                mask[(index + 1) % len(slices)] |= away <= 0.7 * radius
        patients.append((slices, masks))
    return folder, marks, patients


@pytest.fixture(scope="module")
def by_csv(scene, tmp_path_factory):
    """The lesions by a csv whose numbers are measured on the masks without the package."""
    folder, marks, patients = scene
    rows = ["sop_instance_uid,row,column,diameter_mm,label"]
    for mark in marks:
        slices, masks = next(one for one in patients if mark["sop_instance_uid"] in {x.SOPInstanceUID for x in one[0]})
        index = [x.SOPInstanceUID for x in slices].index(mark["sop_instance_uid"])
        at = np.argwhere(masks[mark["label"]][index])
        # Another lesion of the class may share the slice.
        center = float(mark["row"]), float(mark["column"])
        spacing = float(slices[0].PixelSpacing[0])
        at = at[np.hypot(*(at - center).T) * spacing <= float(mark["diameter_mm"]) / 2]
        (row, column), diameter = at.mean(0), (pdist(at).max() + 1) * spacing
        np.testing.assert_allclose((row, column), center, atol=0.3)
        assert diameter == pytest.approx(float(mark["diameter_mm"]), abs=1.2 * spacing)
        rows.append(f"{mark['sop_instance_uid']},{float(row)},{float(column)},{float(diameter)},{mark['label']}")
    path = tmp_path_factory.mktemp("csv") / "lesions.csv"
    path.write_text("\n".join(rows))
    return read_lesions(folder, path)


def rois(lesions):
    """Everything but what hashes the names."""
    return sorted(
        (
            lesions.class_names[lesion.label],
            lesion.patch.tobytes(),
            np.round([*lesion.center, lesion.diameter_mm, *lesion.spacing_mm], 4).tolist(),
            original(lesion, 64, 0.25).tobytes(),
        )
        for lesion in lesions.lesions
    )


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_segmentations_give_the_rois_of_the_csv(scene, by_csv, tmp_path, kind):
    folder, _, patients = scene
    (tmp_path / "series").symlink_to(folder)
    for number, (slices, masks) in enumerate(patients):
        write_seg(tmp_path / f"{number}.dcm", slices, masks, kind=kind, says_sources=number == 0)
    found = read_lesions(tmp_path, labels=list(COUNTS))
    assert rois(found) == rois(by_csv)
    # Patients and slices are the same too: the header's.
    assert {lesion.patient for lesion in found.lesions} == {lesion.patient for lesion in by_csv.lesions}


def test_structure_sets_give_the_rois_of_the_csv(scene, by_csv, tmp_path):
    folder, _, patients = scene
    (tmp_path / "series").symlink_to(folder)
    for number, (slices, masks) in enumerate(patients):
        curves = {
            label: [(index, outline(one)) for index, one in enumerate(mask) if one.any()]
            for label, mask in masks.items()
        }
        write_rtstruct(tmp_path / f"{number}.dcm", slices, curves, says_sources=number == 0)
    found = read_lesions(tmp_path, labels=list(COUNTS))
    assert rois(found) == rois(by_csv)


# Axes of the array, as the letters of nibabel say where they run to.
@pytest.mark.parametrize("axes", ["RAS", "LPS", "SRA", "PIL"])
def test_nifti_gives_the_rois_of_the_csv(scene, by_csv, tmp_path, axes):
    _, _, patients = scene
    for name in ("imagesTr", "labelsTr"):
        (tmp_path / name).mkdir()
    for number, (slices, masks) in enumerate(patients):
        first, second = slices[:2]
        spacing = float(first.PixelSpacing[0])
        affine = np.diag([-spacing, -spacing, float(second.ImagePositionPatient[2] - first.ImagePositionPatient[2]), 1])
        affine[:3, 3] = np.array(first.ImagePositionPatient, float) * [-1, -1, 1]
        # Stored at half a unit from -100 up: a reader that forgets either is found out.
        hu = np.stack([one.pixel_array.astype(np.int16) - 1024 for one in slices])
        labels = sum(mask.astype(np.uint8) * (1 + list(COUNTS).index(label)) for label, mask in masks.items())
        for name, values in (("imagesTr", 2 * (hu + 100)), ("labelsTr", labels)):
            image = nibabel.Nifti1Image(values.transpose(2, 1, 0), affine)
            turn = nibabel.orientations.ornt_transform(
                nibabel.io_orientation(affine), nibabel.orientations.axcodes2ornt(axes)
            )
            image = image.as_reoriented(turn)
            if name == "imagesTr":
                image.header.set_slope_inter(0.5, -100)
            nibabel.save(image, tmp_path / name / f"case_{number}.nii.gz")
    found = read_lesions(tmp_path, labels=[f"{i}={label}" for i, label in enumerate(COUNTS, start=1)])
    assert rois(found) == rois(by_csv)
    assert len({lesion.patient for lesion in found.lesions}) == len(patients)
