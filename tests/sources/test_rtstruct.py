"""RT structure sets: which slice and which pixels a contour means, and what is refused."""

import numpy as np
import pydicom
import pytest

from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions
from tests.sources.seg_writer import outline, write_rtstruct


@pytest.fixture
def read(tmp_path):
    return lambda **options: read_lesions(tmp_path / "in", **{"source": "rtstruct", **options})


def box(rows, columns):
    mask = np.zeros((40, 50), bool)
    mask[rows, columns] = True
    return outline(mask)


LARGE, SMALL, BESIDE = box(np.s_[10:16], np.s_[20:29]), box(np.s_[12:14], np.s_[22:25]), box(np.s_[20:26], np.s_[2:5])


def middles(found):
    # The pixel above and left of a centre between pixels.
    return sorted(int(lesion.patch[tuple(map(int, lesion.center))]) for lesion in found.lesions)


@pytest.mark.parametrize("says", [(True, True), (False, True), (False, False)])
def test_a_structure_is_shown_where_its_contour_is_largest(series, read, tmp_path, says):
    slices = series()
    series(2)
    path = tmp_path / "in" / "rt"
    write_rtstruct(
        path,
        slices,
        {"liver": [(0, LARGE)], "cyst": [(1, SMALL), (3, LARGE), (4, SMALL)]},
        says_sources=says[0],
        says_series=says[1],
    )
    found = read(source="auto", labels=["cyst"])
    assert middles(found) == [slices[3].pixel_array[12, 24] - 1024]
    assert found.lesions[0].diameter_mm == pytest.approx(np.hypot(5 * 0.5, 8 * 0.8) + 0.4**0.5)
    with pytest.raises(DataError, match="outlined is 'liver', 'cyst': say with --labels"):
        read()


def test_a_contour_within_another_is_a_hole_and_of_parts_the_largest_counts(series, read, tmp_path):
    slices = series()
    hole = box(np.s_[10:16], np.s_[20:24])
    write_rtstruct(tmp_path / "in" / "rt", slices, {"x": [(1, LARGE), (1, hole), (1, BESIDE)]})
    notes = []
    found = read(note=notes.append)
    # Columns 24 to 28 are left, 30 pixels; the other part has 18.
    assert middles(found) == [slices[1].pixel_array[12, 26] - 1024]
    assert notes == ["1 structures of several parts on a slice, of which the largest is taken"]


def test_a_contour_that_is_listed_twice_is_no_hole_in_itself(series, read, tmp_path):
    slices = series()
    write_rtstruct(tmp_path / "in" / "rt", slices, {"x": [(1, LARGE), (1, LARGE)], "y": [(1, BESIDE)]})
    assert len(read(labels=["x", "y"]).lesions) == 2


def test_contours_on_no_slice_are_asked_about(series, read, tmp_path):
    slices = series()
    path = tmp_path / "in" / "rt"
    write_rtstruct(path, slices, {"x": [(1, LARGE)], "y": [(2, SMALL)]}, move=(0, 0, 0.5))
    with pytest.raises(DataError, match="in/rt: all that it outlines lies on no slice beside it"):
        read()
    write_rtstruct(path, slices, {"x": [(1, LARGE), (2, SMALL)]})
    (tmp_path / "in" / "1d").unlink()
    with pytest.raises(DataError, match=r"structure 1 \(x\) has 1 of 2 contours on no slice .*--accept=off_slice"):
        read()
    assert middles(read(accept=["off_slice"])) == [slices[2].pixel_array[12, 23] - 1024]
    series(2, FrameOfReferenceUID="3.1")
    write_rtstruct(path, slices, {"x": [(2, LARGE)]}, says_sources=False, says_series=False)
    with pytest.raises(DataError, match=r"structure 1 \(x\) does not say on which of .*in/1c and .*in/2c"):
        read()


def test_what_is_no_structure_set_is_named(series, read, tmp_path):
    slices = series()
    path = tmp_path / "in" / "rt"
    with pytest.raises(DataError, match="holds no RT structure sets among its 5 files"):
        read()
    write_rtstruct(path, slices, {"x": [(1, LARGE)]}, kind="POINT")
    write_rtstruct(tmp_path / "in" / "other", slices, {"x": [(1, LARGE)]})
    with pytest.raises(DataError, match=r"in/rt outlines nothing \(--accept=empty"):
        read()
    assert len(read(accept=["empty"]).lesions) == 1
    for data, message in (
        (["1", "2", "3", "4"], "ContourData has 4 numbers, not three"),
        (["1", "2", "3"], "ContourData is no closed curve"),
        (["1", "2", "x"] * 3, "could not convert|invalid"),
    ):
        whole = pydicom.dcmread(write_rtstruct(path, slices, {"x": [(1, LARGE)]}))
        contour = whole.ROIContourSequence[0].ContourSequence[0]
        contour["ContourData"] = pydicom.DataElement("ContourData", "LO", data)
        whole.save_as(path, implicit_vr=False, little_endian=True)
        with pytest.raises(DataError, match=rf"in/rt is not a whole structure set \(.*({message})"):
            read()
    del whole.StructureSetROISequence
    whole.save_as(path)
    with pytest.raises(DataError, match=r"in/rt is not a whole structure set \(.*StructureSetROISequence"):
        read()


def test_what_is_left_out_of_a_structure_set_is_told(series, read, tmp_path):
    slices = series()
    path = tmp_path / "in" / "rt"
    write_rtstruct(
        path, slices, {"x": [(1, LARGE)], "none": [], "edge": [(2, LARGE + [40.0 - LARGE[:, 0].mean(), 0.0])]}
    )
    notes = []
    read(labels=["x", "edge"], note=notes.append)
    assert sorted(note.split(",")[0] for note in notes) == [
        "1 structures that reach beyond their slice",
        "1 structures without closed contours",
    ]
    # Without any at all it is as empty as one with open lines.
    data = pydicom.dcmread(path)
    del data.ROIContourSequence
    data.save_as(path)
    with pytest.raises(DataError, match=r"in/rt outlines nothing\."):
        read()
