"""Signs that two patients are one person: names, headers, studies and files."""

import numpy as np
import pytest
from PIL import Image

from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions

HEADER = "sop_instance_uid,row,column,diameter_mm,label"


@pytest.fixture
def read(tmp_path, write_ct):
    """Reads one slice for each dict of header fields, whose pixels all differ; patients are for the csv."""

    def read_slices(*headers, patients=None, **options):
        rows = [HEADER + (",patient" if patients else "")]
        for i, fields in enumerate(headers):
            noise = np.random.default_rng(i).normal(60, 15, (40, 50)).astype(np.int16)
            write_ct(f"{i}", uid=f"1.{i}", pixels=noise, **fields)
            rows.append(f"1.{i},20,25,5,cyst" + (f",{patients[i]}" if patients else ""))
        path = tmp_path / "lesions.csv"
        path.write_text("\n".join(rows) + "\n")
        return len({lesion.patient for lesion in read_lesions(tmp_path, path, **options).lesions})

    return read_slices


@pytest.mark.parametrize("other", ["p1", "P 1", "P01", "p\u200b001"])
def test_patients_whose_names_look_alike_are_asked_about(read, other):
    headers = [{"PatientID": "P1"}, {"PatientID": other, "SpecificCharacterSet": "ISO_IR 192"}]
    with pytest.raises(
        DataError, match=r"line 3: the patient of .*1 differs from that of .*0 .*line 2.* leading zeros"
    ):
        read(*headers)
    notes = []
    assert read(*headers, accept=["patients"], note=notes.append) == 2
    assert notes == ["1 signs that two patients are one, accepted by --accept=patients"]
    # The csv says that they are one.
    assert read(*headers, patients=["A", "A"]) == 1


def test_patients_with_other_names_are_two(read):
    assert read(*({"PatientID": name} for name in ("P1", "P10", "P100", "Q1", "1P", "P-1"))) == 6


@pytest.mark.parametrize("field", ["StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID"])
def test_one_study_has_one_patient(read, field):
    headers = [{"PatientID": "P", field: "1.5"}, {"PatientID": "Q", field: "1.5"}]
    with pytest.raises(DataError, match=f"line 3: .* have one {field}, but two patients; give both the same"):
        read(*headers)
    assert read(*headers, patients=["A", "A"]) == 1
    assert read({"PatientID": "P", field: "1.5"}, {"PatientID": "Q", field: "1.6"}) == 2


def test_a_csv_that_divides_one_patient_of_the_headers_is_asked_about(read):
    headers = [{"PatientID": name} for name in ("P", "P", "Q")]
    with pytest.raises(DataError, match="line 3: .* have one PatientID, but two patients"):
        read(*headers, patients=["A", "B", "C"])


def test_where_all_have_one_patient_id_the_csv_is_taken_at_its_word_and_that_is_noted(read):
    notes = []
    assert read({"PatientID": "ANON"}, {"PatientID": "ANON"}, patients=["A", "B"], note=notes.append) == 2
    assert notes == ["1 patients of the csv that share the one PatientID of all files"]


def test_no_value_of_a_header_is_told(read):
    with pytest.raises(DataError) as caught:
        read({"PatientID": "Miller^Jane"}, {"PatientID": "miller^jane"})
    assert "iller" not in str(caught.value)


def test_one_png_named_in_two_ways_is_one_image(tmp_path):
    (tmp_path / "in").mkdir()
    Image.fromarray(np.arange(1600, dtype=np.uint16).reshape(40, 40) + 32768).save(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "b.png").symlink_to("a.png")
    header = "file,patient,spacing_mm,row,column,diameter_mm,label\n"
    path = tmp_path / "lesions.csv"
    path.write_text(header + "a.png,P,1,20,20,5,x\n./a.png,P,1,10,10,5,x\nb.png,Q,1,30,30,5,x\n")
    with pytest.raises(DataError, match="line 4: patient is 'Q', but .*line 2 gives the same slice to 'P'"):
        read_lesions(tmp_path / "in", path)
    path.write_text(header + "a.png,P,1,20,20,5,x\n./a.png,P,1,20,20,6,x\n")
    with pytest.raises(DataError, match="line 3: this lesion is already marked in .*line 2"):
        read_lesions(tmp_path / "in", path)


def test_parts_of_a_name_are_divided_by_carets_spaces_or_nothing(read):
    headers = [{"PatientID": "Miller^John"}, {"PatientID": "MILLER JOHN"}]
    with pytest.raises(DataError, match="line 3: the patient of .*1 differs from that of .*0 .*marks between names"):
        read(*headers)


def test_a_cropped_copy_of_another_patients_lesion_is_asked_about(tmp_path):
    hu = np.random.default_rng(0).normal(60, 15, (90, 100)).astype(np.int32) + 32768
    Image.fromarray(hu.astype(np.uint16)).save(tmp_path / "a.png")
    Image.fromarray(hu[15:85, 20:].astype(np.uint16)).save(tmp_path / "b.png")
    other = np.random.default_rng(1).permuted(hu)
    Image.fromarray(other.astype(np.uint16)).save(tmp_path / "c.png")
    path = tmp_path / "lesions.csv"
    rows = ["a.png,P,0.8,40,50,9,x", "b.png,Q,0.8,25,30,9,x", "c.png,R,0.8,40,50,9,x"]
    path.write_text("\n".join(["file,patient,spacing_mm,row,column,diameter_mm,label", *rows]))
    with pytest.raises(
        DataError, match="line 3: the lesion in .*b.png has the very pixels of that in .*a.png"
    ) as caught:
        read_lesions(tmp_path, path)
    assert "c.png" not in str(caught.value)
    path.write_text(path.read_text().replace(",Q,", ",P,"))
    assert len(read_lesions(tmp_path, path).lesions) == 3


def _people(write_ct, tmp_path, *people, **options):
    rows = ["sop_instance_uid,row,column,diameter_mm,label"]
    for i, (patient, name, born) in enumerate(people):
        pixels = np.random.default_rng(i).integers(0, 100, (40, 50)).astype(np.int16)
        changes = {"PatientID": patient, "PatientName": name, "PatientBirthDate": born}
        write_ct(f"in/{i}", pixels=pixels, uid=f"1.{i}", **changes)
        rows.append(f"1.{i},20,25,8,x")
    (tmp_path / "rows.csv").write_text("\n".join(rows))
    return len({x.patient for x in read_lesions(tmp_path / "in", tmp_path / "rows.csv", **options).lesions})


def test_one_person_under_two_ids_is_asked_about_and_what_anonymisers_write_is_not(write_ct, tmp_path):
    people = [("A1", "Doe^Jane", "19500101"), ("B2", "DOE^JANE", "19500101"), ("C3", "Doe^Jane", "19600101")]
    with pytest.raises(DataError, match="have one PatientName with PatientBirthDate, but two patients") as told:
        _people(write_ct, tmp_path, *people)
    assert "\n" not in str(told.value) and "1950" not in str(told.value) and "Doe" not in str(told.value)
    assert _people(write_ct, tmp_path, *people, accept=["patients"]) == 3
    assert _people(write_ct, tmp_path, *((f"P{i}", "ANON", "19000101") for i in range(5))) == 5


def test_seven_as_programs_write_it_is_asked_about(write_ct, tmp_path):
    with pytest.raises(DataError, match="--accept=patients"):
        _people(write_ct, tmp_path, ("7", "", ""), ("7.0", "", ""), ("other", "", ""))
