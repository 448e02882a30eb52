"""From DICOM files and a csv to lesions: hashes, copies, patients, and what is refused."""

import hashlib

import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.core.intensity import to_unit
from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions

HEADER = "sop_instance_uid,row,column,diameter_mm,label"


@pytest.fixture
def read(tmp_path):
    def read_rows(*rows, header=HEADER, **options):
        path = tmp_path / "lesions.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return read_lesions(tmp_path, path, **options)

    return read_rows


def test_lesions_carry_their_pixels_and_nothing_of_the_header(write_ct, read):
    write_ct("a", uid="1.1", PatientID="Miller")
    write_ct("b", uid="1.2", PatientID="Miller")
    write_ct("c", uid="1.3", PatientID="Smith", RescaleIntercept=-501)
    calls = []
    found = read(
        "1.1,10,20.25,5,cyst",
        "1.1,30,40,6,cyst",
        "1.2,10,20,5,b",
        "1.3,10,20,5,b",
        progress=lambda *at: calls.append(at),
    )
    # Four files, the csv included, and three slices.
    assert calls == [(i, 7) for i in range(1, 8)]
    assert len(found.lesions) == 4 and found.class_names == ("cyst", "b")
    assert [x.lesion_id for x in found.lesions] == sorted(x.lesion_id for x in found.lesions)
    assert sorted([x.patient for x in found.lesions].count(p) for p in {x.patient for x in found.lesions}) == [1, 3]
    (first,) = (x for x in found.lesions if x.diameter_mm == 5 and x.label == 0)
    assert first.spacing_mm == (0.5, pytest.approx(0.8)) and first.patch.dtype == np.int16
    half = first.patch.shape[0] // 2
    assert first.center == (half, half + 0.25)
    assert first.patch[half, half] == 10 * 50 + 20 - 500
    text = repr([(x.lesion_id, x.patient) for x in found.lesions])
    assert "Miller" not in text and "1.1" not in text


def test_ids_and_fingerprint_depend_on_content_not_on_file_names_or_row_order(write_ct, read, tmp_path):
    write_ct("a", uid="1.1")
    write_ct("b", uid="1.2", RescaleIntercept=-501)
    rows = ("1.1,10,20,5,x", "1.2,10,20,5,y")
    first = read(*rows, class_names=["x", "y"])
    (tmp_path / "a").rename(tmp_path / "z")
    again = read(*reversed(rows), class_names=["x", "y"])
    assert again.fingerprint == first.fingerprint
    assert read(*rows, class_names=["y", "x"]).fingerprint != first.fingerprint
    relabelled = read("1.1,10,20,5,x", "1.2,10,20,6,y", class_names=["x", "y"])
    assert relabelled.fingerprint != first.fingerprint
    assert [x.lesion_id for x in relabelled.lesions] == [x.lesion_id for x in first.lesions]


def test_another_set_of_sources_salts_otherwise(write_ct, read):
    write_ct("a", uid="1.1")
    write_ct("b", uid="1.2")
    alone = read("1.1,10,20,5,x")
    both = read("1.1,10,20,5,x", "1.2,30,20,5,x")
    assert alone.lesions[0].patient not in {x.patient for x in both.lesions}


def test_identical_copies_are_one_slice_and_others_are_refused(write_ct, read, new_ct):
    write_ct("a", uid="1.1")
    write_ct("b", uid="1.1")
    assert len(read("1.1,10,20,5,x").lesions) == 1
    write_ct("c", uid="1.1", pixels=np.zeros((40, 50), np.int16))
    with pytest.raises(DataError, match="a and .*c have the same SOPInstanceUID but differ"):
        read("1.1,10,20,5,x")


def test_a_patient_column_replaces_the_header(write_ct, read):
    write_ct("a", uid="1.1", PatientID="")
    write_ct("b", uid="1.2", PatientID=None, RescaleIntercept=-501)
    with pytest.raises(DataError, match="PatientID is empty; add a column `patient`"):
        read("1.1,10,20,5,x")
    with pytest.raises(DataError, match="b: PatientID is empty"):
        read("1.2,10,20,5,x")
    header = HEADER + ",patient"
    found = read("1.1,10,20,5,x,A", "1.1,20,20,5,x,A", "1.2,10,20,5,x,B", header=header)
    assert len({x.patient for x in found.lesions}) == 2
    with pytest.raises(DataError, match="line 3: patient is 'B', but .*line 2"):
        read("1.1,10,20,5,x,A", "1.1,20,20,5,x,B", header=header)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("9.9,10,20,5,x", "line 2: sop_instance_uid 9.9 is in none of the 1 DICOM files"),
        ("1.1,-0.5,20,5,x", "line 2: row -0.5 lies outside .*slice of 40 x 50 pixels"),
        ("1.1,39.5,20,5,x", "line 2: row 39.5 lies outside"),
        ("1.1,10,49.01,5,x", "line 2: column 49.01 lies outside"),
        # 40 rows of 0.5 mm: whoever writes more has counted pixels.
        ("1.1,10,20,20.5,x", "line 2: diameter_mm 20.5 is more than the 20 mm"),
    ],
)
def test_a_mark_that_fits_no_slice_is_refused(write_ct, read, row, message):
    write_ct("slice", uid="1.1")
    with pytest.raises(DataError, match=message):
        read(row)
    read("1.1,39,49,20,x")


def test_uids_that_a_spreadsheet_rounded_are_named_with_all_of_their_rows(write_ct, read):
    write_ct("slice", uid="1.2.840.113619.2")
    with pytest.raises(DataError) as caught:
        read("1.284E+12;10;20;5;x", "1,284E+12;20;20,5;5;x", "1.284E+12;30;20;5;x", header=HEADER.replace(",", ";"))
    told = str(caught.value).splitlines()
    assert told[0] == "2 mistakes:" and all("is what a spreadsheet makes of a UID" in line for line in told[1:])
    assert "line 2: sop_instance_uid 1.284E+12 " in told[1] and told[1].endswith("(also line 4).")
    assert "line 3: sop_instance_uid 1,284E+12 " in told[2]


def test_a_uid_with_the_mark_of_frames_is_refused(write_ct, read):
    write_ct("a", uid="1.1")
    with pytest.raises(DataError, match="line 2: sop_instance_uid '1.1#x' has characters that no UID has"):
        read("1.1#x,10,20,5,x")


def test_a_patient_of_another_spelling_replaces_the_headers(write_ct, read):
    for i, patient in enumerate(("A", "B")):
        write_ct(str(i), uid=f"1.{i}", PatientID=patient, RescaleIntercept=-501 - i)
    found = read("1.0,10,20,5,x,one", "1.1,10,20,5,x,one", header=HEADER + ",Patient ID")
    assert len({lesion.patient for lesion in found.lesions}) == 1


def test_png_files_need_one_spacing(tmp_path):
    from PIL import Image

    Image.fromarray(np.full((30, 30), 32768 + 60, np.uint16)).save(tmp_path / "a.png")
    path = tmp_path / "lesions.csv"
    header = "file,patient,spacing_mm,row,column,diameter_mm,label\n"
    path.write_text(header + "a.png,P,0.8,3,4,5,x\na.png,P,0.8,9,4,5,x\n")
    found = read_lesions(tmp_path, path)
    assert [np.unique(x.patch).tolist() for x in found.lesions] == [[60], [60]]
    assert found.lesions[0].spacing_mm == pytest.approx((0.8, 0.8))
    path.write_text(header + "a.png,P,0.8,3,4,5,x\na.png,P,0.7,9,4,5,x\n")
    with pytest.raises(DataError, match="line 3: spacing_mm of a.png differs"):
        read_lesions(tmp_path, path)


def _write_pngs(folder, **images):
    from PIL import Image

    lines = ["file,patient,spacing_mm,row,column,diameter_mm,label"]
    for name, pixels in images.items():
        Image.fromarray(pixels).save(folder / f"{name}.png")
        lines.append(f"{name}.png,{name},1,20,20,5,x")
    path = folder / "lesions.csv"
    path.write_text("\n".join(lines) + "\n")
    return path


def test_eight_bits_are_grey_and_keep_all_of_their_values(tmp_path):
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(2, 0).repeat(2, 1)
    found = read_lesions(tmp_path, _write_pngs(tmp_path, a=ramp, b=np.roll(255 - ramp, 9, 1).T))
    assert found.unit == "grey" and found.window == (0.0, 255.0)
    # None is clipped, also above 240, where the window of HU ends.
    assert {(int(lesion.patch.min()), int(lesion.patch.max())) for lesion in found.lesions} == {(0, 255)}
    unit = np.asarray(to_unit(jnp.asarray(found.lesions[0].patch), found.window))
    assert len(np.unique(unit)) == len(np.unique(found.lesions[0].patch))


def test_files_of_two_depths_are_refused_with_both_names(tmp_path):
    eight, sixteen = np.full((40, 40), 9, np.uint8), np.full((40, 40), 32768, np.uint16)
    with pytest.raises(DataError) as caught:
        read_lesions(tmp_path, _write_pngs(tmp_path, a=eight, b=eight + 1, c=sixteen))
    told = str(caught.value)
    assert f"line 4: {tmp_path / 'c.png'} holds Hounsfield units, but {tmp_path / 'a.png'} grey values; " in told
    assert told.endswith("store all images alike or build two datasets.")


def test_ids_are_those_of_the_first_version(write_ct, read):
    """Ids are part of what a dataset promises: hashed as written here, by hand."""
    write_ct("a", uid="1.1", PatientID="Miller")
    write_ct("b", uid="1.2", PatientID="Smith", RescaleIntercept=-501)
    found = {lesion.diameter_mm: lesion for lesion in read("1.1,10,20.25,5,x", "1.2,10,20,6,x").lesions}
    salt = hashlib.sha256(b"1.1\n1.2").hexdigest()

    def hashed(*words):
        return hashlib.sha256("\0".join([salt, *words]).encode()).hexdigest()[:16]

    assert found[5].lesion_id == hashed("lesion", "1.1", "10.0", "20.25")
    assert found[5].patient == hashed("patient", "Miller")
    assert found[6].lesion_id == hashed("lesion", "1.2", "10.0", "20.0")
    assert {lesion.patch.dtype for lesion in found.values()} == {np.dtype(np.int16)}


def test_deeplesion_rows_become_lesions_of_twenty_patients(real_data, tmp_path):
    import csv

    folder = real_data / "deeplesion_liver47"
    with (folder / "annotations.csv").open() as file:
        rows = list(csv.DictReader(file))
    path = tmp_path / "lesions.csv"
    with path.open("w") as file:
        print("file,patient,spacing_mm,row,column,diameter_mm,label", file=file)
        for row in rows:
            left, top, right, bottom = (float(row[name]) for name in ("xmin", "ymin", "xmax", "ymax"))
            spacing = float(row["spacing_mm"] or 0.8)
            mean = (right - left + bottom - top) / 2 * spacing
            print(
                row["file"],
                row["patient"],
                spacing,
                (top + bottom) / 2,
                (left + right) / 2,
                mean,
                "lesion",
                sep=",",
                file=file,
            )
    found = read_lesions(folder / "Images_png", path)
    assert len(found.lesions) == 47 and len({x.patient for x in found.lesions}) == 20
    centres = [x.patch[round(x.center[0]), round(x.center[1])] for x in found.lesions]
    assert 20 < np.median(centres) < 130
