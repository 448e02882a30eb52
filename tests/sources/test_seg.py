"""DICOM segmentations: on which slices they lie, and what is refused."""

import gzip

import numpy as np
import pydicom
import pytest

from lesion_jax.errors import ConfigError, DataError
from lesion_jax.sources.cohort import read_lesions
from tests.sources.seg_writer import write_seg

SHAPE = (5, 40, 50)
BOX = np.s_[1:3, 10:16, 20:29]


@pytest.fixture
def read(tmp_path):
    return lambda **options: read_lesions(tmp_path / "in", **{"source": "seg", **options})


def mask(*boxes):
    values = np.zeros(SHAPE, bool)
    for box in boxes:
        values[box] = True
    return values


def middles(found):
    # The pixel above and left of a centre between pixels.
    return sorted(int(lesion.patch[tuple(map(int, lesion.center))]) for lesion in found.lesions)


@pytest.mark.parametrize("says", [(True, True), (False, True), (False, False)])
def test_a_segment_finds_its_slices(series, read, tmp_path, says):
    slices = series()
    series(2)
    kidney, cyst = mask(np.s_[0:5, 0:9, 0:9]), mask(BOX, np.s_[4, 20:23, 5:9], np.s_[0, 30, 30])
    # One slice larger than the other.
    cyst[2, 16, 20:29] = True
    write_seg(
        tmp_path / "in" / "seg", slices, {"kidney": kidney, "cyst": cyst}, says_sources=says[0], says_series=says[1]
    )
    with pytest.raises(DataError, match="outlined is 'kidney', 'cyst': say with --labels"):
        read()
    notes = []
    found = read(source="auto", labels=["cyst"], note=notes.append)
    values = [one.pixel_array.astype(int) - 1024 for one in slices]
    assert middles(found) == sorted([values[2][13, 24], values[4][21, 6]])
    diameters = sorted(lesion.diameter_mm for lesion in found.lesions)
    assert diameters == pytest.approx([np.hypot(2 * 0.5, 3 * 0.8) + 0.4**0.5, np.hypot(6 * 0.5, 8 * 0.8) + 0.4**0.5])
    assert notes == ["1 regions of masks of fewer than 4 pixels, which are left out"]


@pytest.mark.parametrize("says", [(True, True), (False, True), (False, False)])
@pytest.mark.parametrize("turn", ["rows", "columns", "both", "transposed", "turned"])
def test_rows_and_columns_in_another_order_are_read_by_where_they_lie(series, read, tmp_path, turn, says):
    slices = series()
    # No mirror image of itself, 6 mm high and 4.8 mm wide and off the centre.
    drawn = mask(np.s_[2, 10:22, 20:23], np.s_[2, 19:22, 20:26])
    path = tmp_path / "in" / "seg"
    write_seg(path, slices, {"x": drawn})
    (expected,) = read().lesions
    across, down, ends = np.array([1, 0, 0]), np.array([0, 1, 0]), np.array([0.0, 0, 0])
    if turn in ("rows", "both", "turned"):
        drawn, down, ends = drawn[:, ::-1], -down, ends + [0, 39 * 0.5, 0]
    if turn in ("columns", "both"):
        drawn, across, ends = drawn[:, :, ::-1], -across, ends + [49 * 0.8, 0, 0]
    others = [pydicom.dcmread(one.filename) for one in slices]
    for one in others:
        one.ImagePositionPatient = (np.array(one.ImagePositionPatient, float) + ends).tolist()
        one.ImageOrientationPatient = [*across.tolist(), *down.tolist()]
        if turn in ("transposed", "turned"):
            one.PixelSpacing, one.ImageOrientationPatient = [0.8, 0.5], [*down.tolist(), *across.tolist()]
    if turn in ("transposed", "turned"):
        drawn = drawn.transpose(0, 2, 1)
    write_seg(path, others, {"x": np.ascontiguousarray(drawn)}, says_sources=says[0], says_series=says[1])
    (found,) = read().lesions
    np.testing.assert_array_equal(found.patch, expected.patch)
    assert (found.center, found.diameter_mm, found.lesion_id) == (
        expected.center, expected.diameter_mm, expected.lesion_id
    )  # fmt: skip
    assert found.patch[tuple(map(int, found.center))] == slices[2].pixel_array[16, 21] - 1024


def test_two_phases_at_one_height_do_not_mix(series, read, tmp_path):
    slices = series()
    # A second phase in the same series, at the same heights.
    series(3, SeriesInstanceUID="2.1", FrameOfReferenceUID="3.1", PatientID="P1")
    write_seg(tmp_path / "in" / "seg", slices, {"x": mask(np.s_[1:4, 10:16, 20:29])})
    found = read()
    assert middles(found) == [slices[1].pixel_array[12, 24] - 1024]


def test_emptied_uids_leave_the_place(series, read, tmp_path):
    slices = series(names="edcba", SOPInstanceUID="", SeriesInstanceUID="")
    # Another patient's slices lie between, in another space.
    series(2, begin=1, SOPInstanceUID="", SeriesInstanceUID="")
    write_seg(tmp_path / "in" / "seg", slices, {"x": mask(BOX)})
    found = read()
    assert middles(found) == [slices[1].pixel_array[12, 24] - 1024]


def test_a_csv_names_files_patients_and_classes(series, read, tmp_path):
    slices = series(PatientID="")
    write_seg(tmp_path / "in" / "seg", slices, {"x": mask(BOX), "y": mask(np.s_[4, 20:23, 5:9])})
    write_seg(tmp_path / "in" / "draft", slices, {"z": mask(np.s_[0, 20:23, 5:9])})
    with pytest.raises(DataError, match="PatientID is empty; add a column `patient` to the csv"):
        read(labels=["x"])
    path = tmp_path / "lesions.csv"
    path.write_text("segmentation,patient,label,site\n./seg,P,cyst,north\n")
    found = read_lesions(tmp_path / "in", path, tags=["site"])
    assert found.class_names == ("cyst",) and len(found.lesions) == 2
    assert {lesion.tags["site"] for lesion in found.lesions} == {"north"}
    path.write_text("segmentation,patient\nseg,P\n./seg,Q\n")
    with pytest.raises(DataError, match="line 3: ./seg is already in .*line 2; remove one of the rows"):
        read_lesions(tmp_path / "in", path, labels=["x", "y"])
    path.write_text("segmentation,patient\nseg,P\ngone,P\n")
    with pytest.raises(DataError, match="line 3: gone is none of the DICOM segmentations below"):
        read_lesions(tmp_path / "in", path, labels=["x"])


def test_one_object_named_in_two_rows_or_drawn_twice_is_refused(series, read, tmp_path):
    slices = series()
    write_seg(tmp_path / "in" / "seg", slices, {"x": mask(BOX)})
    (tmp_path / "in" / "link").symlink_to("seg")
    path = tmp_path / "lesions.csv"
    for again in ("seg,P,cyst", "./seg,P,abscess", "link,Q,cyst"):
        path.write_text(f"segmentation,patient,label\nseg,P,cyst\n{again}\n")
        name = again.split(",")[0]
        with pytest.raises(DataError, match=f"line 3: {name} is already in .*line 2; remove one of the rows"):
            read(annotations=path)
    # Another reader's outline of the same lesion, a pixel larger, in a file of its own.
    larger = mask(np.s_[1:3, 10:17, 20:29])
    write_seg(tmp_path / "in" / "second", slices, {"x": larger})
    with pytest.raises(DataError, match=r"in/seg: .* is where .*in/second: .*to be the same lesion.*--accept=twice"):
        read()
    # What it was drawn in beside another lesion is not.
    write_seg(tmp_path / "in" / "second", slices, {"x": mask(np.s_[1:3, 10:16, 30:39])})
    assert len(read().lesions) == 2


def test_what_lies_on_no_slice_is_refused(series, read, tmp_path):
    slices = series()
    path = tmp_path / "in" / "seg"
    for values, message in (
        ({"move": (0, 0, 0.5)}, "2 of its 2 frames lie on no slice"),
        ({"move": (0.8, 0, 0)}, "lie on no slice"),
        ({"Rows": 50, "Columns": 40}, "lie on no slice"),
    ):
        write_seg(path, slices, {"x": mask(BOX)}, **values)
        with pytest.raises(DataError, match=f"in/seg: .*{message}"):
            read()
    for field, values in (("PixelSpacing", [0.5, 0.7]), ("ImageOrientationPatient", [-1, 0, 0, 0, 1, 0])):
        others = [pydicom.dcmread(one.filename) for one in slices]
        for one in others:
            setattr(one, field, values)
        write_seg(path, others, {"x": mask(BOX)})
        with pytest.raises(DataError, match="in/seg: 2 of its 2 frames lie on no slice"):
            read()
    # Its own two slices are gone, another series is there.
    write_seg(path, slices, {"x": mask(BOX)})
    series(2, FrameOfReferenceUID="3.1")
    (tmp_path / "in" / "1d").unlink()
    with pytest.raises(DataError, match="in/seg: 1 of its 2 frames lie on no slice"):
        read()
    write_seg(path, slices, {"x": mask(BOX)}, says_sources=False, says_series=False)
    with pytest.raises(DataError, match="does not say on which of .*in/1c and .*in/2c"):
        read()


def test_what_is_no_segmentation_is_named(series, read, tmp_path):
    slices = series()
    path = tmp_path / "in" / "seg"
    with pytest.raises(DataError, match="holds no DICOM segmentations among its 5 files"):
        read()
    with pytest.raises(ConfigError, match="--annotations is missing"):
        read(source="auto")
    for values, message in (
        ({"PixelData": b"\0" * 100}, "is not a whole segmentation"),
        ({"NumberOfFrames": 3}, "has 2 planes described of 3 frames"),
        ({"SegmentSequence": None}, "is not a whole segmentation with planes .*SegmentSequence"),
        ({"SharedFunctionalGroupsSequence": None}, "is not a whole segmentation with planes"),
        ({"SegmentSequence": pydicom.Sequence()}, "draws segment 1, which it does not describe"),
        ({"Rows": 65535, "Columns": 65535}, ".* of 65535 x 65535; they must be .* at most 1024 million"),
    ):
        write_seg(path, slices, {"x": mask(BOX)}, **values)
        with pytest.raises(DataError, match=f"in/seg {message}"):
            read()
    write_seg(path, slices, {"x": mask(BOX)}, PixelData=bytes(500))
    write_seg(tmp_path / "in" / "other", slices, {"x": mask(BOX)})
    with pytest.raises(DataError, match=r"in/seg marks nothing \(--accept=empty"):
        read()
    assert len(read(accept=["empty"]).lesions) == 1
    write_seg(path, slices, {"x": mask(BOX)})
    with pytest.raises(DataError, match="this lesion is already marked in"):
        read()


def test_a_segmentation_by_dcmqi_and_what_it_was_made_of(real_data, tmp_path):
    """By dcmqi, of an NRRD that is read here without the package."""
    folder = real_data / "dicom" / "dcmqi_ct3"
    for name in ("ct-3slice", "liver.dcm"):
        (tmp_path / name).symlink_to(folder / name)
    (lesion,) = read_lesions(tmp_path).lesions
    header, data = (folder / "liver_seg.nrrd").read_bytes().split(b"\n\n", 1)
    assert b"encoding: gzip" in header and b"sizes: 512 512 3" in header
    kind = {b"short": "<i2", b"unsigned char": "u1"}[header.split(b"type: ")[1].split(b"\n")[0]]
    liver = np.frombuffer(gzip.decompress(data), kind).reshape(3, 512, 512) > 0
    slices = sorted(map(pydicom.dcmread, (folder / "ct-3slice").iterdir()), key=lambda one: one.ImagePositionPatient[2])
    largest = int(liver.sum((1, 2)).argmax())
    row, column = np.argwhere(liver[largest]).mean(0)
    np.testing.assert_allclose([x % 1 for x in lesion.center], [row % 1, column % 1], atol=0.01)
    hu = slices[largest].pixel_array * slices[largest].RescaleSlope + slices[largest].RescaleIntercept
    at = np.s_[round(row) - 50 : round(row) + 51, round(column) - 50 : round(column) + 51]
    half = len(lesion.patch) // 2
    np.testing.assert_array_equal(lesion.patch[half - 50 : half + 51, half - 50 : half + 51], hu[at].clip(-1024))


def test_regions_do_not_join_over_a_slice_that_is_missing(series, read, tmp_path):
    slices = series()
    write_seg(tmp_path / "in" / "seg", slices, {"cyst": mask(np.s_[1, 10:16, 20:29], np.s_[3, 10:16, 20:29])})
    assert len(read().lesions) == 2
    (tmp_path / "in" / "1c").unlink()
    assert len(read().lesions) == 2


def test_a_segmentation_of_nothing_says_so_where_there_is_no_other(series, read, tmp_path):
    path = write_seg(tmp_path / "in" / "seg", series(), {"cyst": mask(BOX)})
    data = pydicom.dcmread(path)
    data.PixelData = bytes(len(data.PixelData))
    data.save_as(path)
    with pytest.raises(DataError, match=r"in/seg marks nothing\."):
        read()
