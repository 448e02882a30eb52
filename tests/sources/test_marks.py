"""lesions.csv: what it says, and one sentence with the line for whatever it must not say."""

import pytest

from lesion_jax.errors import DataError
from lesion_jax.sources.marks import load_annotations

HEADER = "sop_instance_uid,row,column,diameter_mm,label"


@pytest.fixture
def write(tmp_path):
    def write_rows(*lines, encoding="utf-8"):
        path = tmp_path / "lesions.csv"
        path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
        return path

    return write_rows


def test_rows_become_marks(write):
    found = load_annotations(write(HEADER, "1.2,3.5,4,20,cyst", "", "1.2,9,9,1e1,metastasis"))
    assert found.is_dicom and found.class_names == ("cyst", "metastasis")
    first, second = found.marks
    assert (first.source, first.row, first.column, first.diameter_mm, first.label) == ("1.2", 3.5, 4.0, 20.0, "cyst")
    assert first.patient is None and first.spacing_mm is None
    assert second.diameter_mm == 10.0 and second.where.endswith("lesions.csv line 4")


def test_png_columns_in_any_order_with_others_between(write):
    found = load_annotations(
        write("note,Label, file,patient,spacing_mm,diameter_mm,column,row", "x,cyst,a.png,P1,0.8,12,3,4")
    )
    (mark,) = found.marks
    assert not found.is_dicom
    assert (mark.source, mark.patient, mark.spacing_mm, mark.row, mark.column) == ("a.png", "P1", 0.8, 4.0, 3.0)


def test_a_byte_order_mark_and_a_patient_column_are_read(write):
    found = load_annotations(write(HEADER + ",patient", "1.2,3,4,20,cyst,Müller", encoding="utf-8-sig"))
    assert found.marks[0].patient == "Müller"


def test_class_order(write):
    paper = [f"1.{i},3,4,20,{name}" for i, name in enumerate(("hemangioma", "cyst", "metastasis"))]
    assert load_annotations(write(HEADER, *paper)).class_names == ("cyst", "metastasis", "hemangioma")
    path = write(HEADER, "1,3,4,20,b", "2,3,4,20,a")
    assert load_annotations(path).class_names == ("b", "a")
    assert load_annotations(path, ["a", "b"]).class_names == ("a", "b")
    for names, message in ((["a"], "line 2: label 'b'"), (["a", "b", "c"], "'c'"), (["a", "a", "b"], "twice")):
        with pytest.raises(DataError, match=message):
            load_annotations(path, names)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["sop_instance_uid,row,column,label", "1,2,3,cyst"], "line 1: column diameter_mm is missing"),
        (["file,row,column,diameter_mm,label", "1,2,3,4,cyst"], "line 1: column patient, spacing_mm is missing"),
        ([HEADER.replace(",", ";"), "1;2;3;4;cyst"], "separated by commas"),
        ([HEADER + ",label", "1,2,3,4,cyst,cyst"], "column label appears twice"),
        ([HEADER, "1,two,3,4,cyst"], "line 2: row is 'two'"),
        ([HEADER, "1,2,3,4,cyst", "1,2,nan,4,cyst"], "line 3: column is 'nan'"),
        ([HEADER, "1,2,3,nan,cyst"], "line 2: diameter_mm is 'nan'"),
        ([HEADER, "1,2,3,-4,cyst"], "line 2: diameter_mm is '-4'"),
        ([HEADER, "1,2,3,0,cyst"], "line 2: diameter_mm is '0'"),
        ([HEADER, "1,2,3,inf,cyst"], "line 2: diameter_mm is 'inf'"),
        ([HEADER, "1,2,3,4,"], "line 2: label is empty"),
        ([HEADER, "1,2,3"], "line 2: diameter_mm is empty"),
        ([HEADER, "1,2,3,4,5,cyst"], "line 2: more values"),
        ([HEADER + ",patient", "1,2,3,4,cyst,"], "line 2: patient is empty"),
        ([HEADER, "1,2,3,4,cyst", "1,2.0,3,5,cyst"], "line 3: this lesion is already marked in .*line 2"),
        ([HEADER, '1,2,3,4,"cyst'], "is not a csv file"),
        ([HEADER], "no lesions"),
        ([""], "is missing"),
    ],
)
def test_each_mistake_is_named_with_its_line(write, lines, message):
    with pytest.raises(DataError, match=message) as caught:
        load_annotations(write(*lines))
    assert "lesions.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_not_text_is_refused(write, tmp_path):
    with pytest.raises(DataError, match=r"--annotations .*none\.csv cannot be read"):
        load_annotations(tmp_path / "none.csv")
    with pytest.raises(DataError, match="UTF-8"):
        load_annotations(write(HEADER, "1,2,3,4,zyste_ü", encoding="latin-1"))
