"""lesions.csv: what it says, and one sentence with the line for whatever it must not say."""

import pytest

from lesion_jax.errors import DataError
from lesion_jax.sources.base import Source
from lesion_jax.sources.classes import order_classes
from lesion_jax.sources.marks import load_marks
from lesion_jax.sources.points import points_by_image
from lesion_jax.sources.review import Review
from lesion_jax.sources.table import SOURCES

WITH_CSV = [source for source in SOURCES.values() if source.columns]
HEADER = "sop_instance_uid,row,column,diameter_mm,label"


@pytest.fixture
def write(tmp_path):
    def write_rows(*lines, encoding="utf-8"):
        path = tmp_path / "lesions.csv"
        path.write_bytes(("\n".join(lines) + "\n").encode(encoding))
        return path

    return write_rows


def read(path):
    """The source and its points, in the order of the csv, by the source's own image column."""
    review = Review()
    source, marks = load_marks(path, WITH_CSV, review)
    points = [point for points in points_by_image(marks, source.columns[0], review).values() for point in points]
    review.check()
    return source, points


def test_rows_become_points(write):
    source, (first, second) = read(write(HEADER, "1.2,3.5,4,20,cyst", "", "1.2,9,9,1e1,metastasis"))
    assert source.name == "dicom"
    assert (first.image, first.row, first.column, first.diameter_mm) == ("1.2", 3.5, 4.0, 20.0)
    assert dict(first.mark.values) == dict(zip(HEADER.split(","), ("1.2", "3.5", "4", "20", "cyst"), strict=True))
    assert second.diameter_mm == 10.0 and second.mark.where.endswith("lesions.csv line 4")


def test_columns_in_any_order_with_others_between(write):
    source, (point,) = read(
        write("note,Label, file,patient,spacing_mm,diameter_mm,column,row", "x,cyst,a.png,P1,0.8,12,3,4")
    )
    assert source.name == "png" and (point.image, point.row, point.column) == ("a.png", 4.0, 3.0)
    assert point.mark.values["patient"] == "P1" and point.mark.number("spacing_mm", positive=True) == 0.8
    assert "note" not in point.mark.values


def test_a_byte_order_mark_and_an_optional_column_are_read(write):
    _, (point,) = read(write(HEADER + ",patient", "1.2,3,4,20,cyst,Müller", encoding="utf-8-sig"))
    assert point.mark.values["patient"] == "Müller"


@pytest.mark.parametrize(
    "spelled", ["Patient ID", "PatientID", "patient-id", "PATIENT_ID", "Subject ID", "Patient\u00a0Id"]
)
def test_the_patient_is_taken_however_its_column_is_called(write, spelled):
    source, (point,) = read(write(f"{HEADER},{spelled}", "1.2,3,4,20,cyst,P7"))
    assert source.name == "dicom" and point.mark.values["patient"] == "P7"
    with_patient = [source for source in WITH_CSV if "patient" in source.columns]
    assert {source.name for source in with_patient} == {"png", "images", "nifti", "seg", "rtstruct"}
    for source in with_patient:
        columns = [spelled if name == "patient" else name for name in source.columns]
        _, (mark,) = load_marks(write(",".join(columns), ",".join("7" for _ in columns)), [source], Review())
        assert mark.values["patient"] == "7"


def test_only_named_columns_are_kept_as_tags(write):
    path = write(HEADER + ",Site,patient_name", "1.2,3,4,20,cyst, north ,Jane Roe")
    _, (mark,) = load_marks(path, WITH_CSV, Review(), ["site"])
    assert mark.tags == {"site": "north"} and "Jane Roe" not in mark.values.values()
    assert load_marks(path, WITH_CSV, Review())[1][0].tags == {}
    with pytest.raises(DataError, match="line 1: there is no column scanner .found: .*Site, patient_name.; change --t"):
        load_marks(path, WITH_CSV, Review(), ["scanner"])


@pytest.mark.parametrize(
    ("column", "tag"), [("patient", "patient"), ("Patient ID", "patient_id"), ("patient", "sop_instance_uid")]
)
def test_what_names_a_patient_or_a_file_is_no_tag(write, column, tag):
    path = write(f"{HEADER},{column}", "1.2,3,4,20,cyst,P")
    with pytest.raises(DataError, match=f"line 1: --tags has {tag}, which names a patient or a file"):
        load_marks(path, WITH_CSV, Review(), ["label", tag])


def test_class_order():
    paper = [("a", "hemangioma"), ("b", "cyst"), ("c", "metastasis")]
    assert order_classes(paper, None) == ("cyst", "metastasis", "hemangioma")
    some = [("line 2", "b"), ("line 3", "a"), ("line 4", "b")]
    assert order_classes(some, None) == ("b", "a")
    assert order_classes(some, ["a", "b"]) == ("a", "b")
    for names, message in ((["a"], "^line 2: label 'b'"), (["a", "b", "c"], "'c'"), (["a", "a", "b"], "twice")):
        with pytest.raises(DataError, match=message):
            order_classes(some, names)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["sop_instance_uid,row,column,label", "1,2,3,cyst"], "line 1: column diameter_mm is missing"),
        (["file,row,column,diameter_mm,label", "1,2,3,4,cyst"], "line 1: column patient, spacing_mm is missing"),
        ([HEADER, '1,"2,5",3,4,cyst'], "line 2: row is '2,5'; it must be a number, with a decimal point"),
        ([HEADER.replace(",", ";"), "1;2,5;3;4;cyst", "1;2.5;3;4;cyst"], "line 3: row is '2.5', but 2,5 in line 2 has"),
        ([HEADER.replace(",", ";"), "1;2;3;4;5;cyst"], "line 2: more values .*that contain ';'"),
        ([HEADER + ",Label", "1,2,3,4,cyst,cyst"], "column label appears twice .label, Label"),
        ([HEADER + ",patient,patient", "1,2,3,4,cyst,P,P"], "column patient appears twice"),
        ([HEADER + ",file,patient,spacing_mm", "1,2,3,4,cyst,a.png,P,1"], "fit the sources dicom and png; .*--source"),
        ([HEADER, "1,two,3,4,cyst"], "line 2: row is 'two'"),
        ([HEADER, "1,2,3,4,cyst", "1,2,nan,4,cyst"], "line 3: column is 'nan'"),
        ([HEADER, "1,2,3,nan,cyst"], "line 2: diameter_mm is 'nan'"),
        ([HEADER, "1,2,3,-4,cyst"], "line 2: diameter_mm is '-4'"),
        ([HEADER, "1,2,3,0,cyst"], "line 2: diameter_mm is '0'"),
        # Python takes all of these for numbers, or would with another function.
        ([HEADER, "1,12_5,3,4,cyst"], "line 2: row is '12_5'; it must be a number"),
        ([HEADER, "1,2,3,1_0,cyst"], "line 2: diameter_mm is '1_0'; it must be a number above 0"),
        ([HEADER, "1,2,\uff13,4,cyst"], "line 2: column is '\uff13'; it must be a number"),
        ([HEADER, "1,2,\u0663,4,cyst"], "line 2: column is '\u0663'; it must be a number"),
        ([HEADER, "1,2,3,0x14,cyst"], "line 2: diameter_mm is '0x14'"),
        ([HEADER, "1,2,3,infinity,cyst"], "line 2: diameter_mm is 'infinity'"),
        ([HEADER, "1,2,3,1e999,cyst"], "line 2: diameter_mm is '1e999'"),
        (
            [HEADER + ",Patient ID,patient", "1,2,3,4,cyst,P,Q"],
            "column patient appears twice .patient, Patient ID.; rem",
        ),
        ([HEADER, "1,2,3,4," + "y" * 1001], "line 2: label has 1001 characters .'y{40}'"),
        ([HEADER, "1,2,3,inf,cyst"], "line 2: diameter_mm is 'inf'"),
        ([HEADER, "1,2,3,4,"], "line 2: label is empty"),
        ([HEADER, "1,2,3"], "line 2: diameter_mm is empty"),
        ([HEADER, "1,2,3,4,5,cyst"], "line 2: more values"),
        ([HEADER + ",patient", "1,2,3,4,cyst,"], "line 2: patient is empty"),
        ([HEADER, "1,2,3,4,cyst", "1,2.0,3,5,cyst"], "line 3: this lesion is already marked in .*line 2"),
        ([HEADER, '1,2,3,4,"cyst'], "is not a csv file"),
        ([HEADER], "no lesions"),
        ([""], "it is empty"),
    ],
)
def test_each_mistake_is_named_with_its_line(write, lines, message):
    with pytest.raises(DataError, match=message) as caught:
        read(write(*lines))
    assert "lesions.csv" in str(caught.value) and "\n" not in str(caught.value)


def test_all_wrong_rows_are_named_at_once(write):
    rows = ["1,2,3,4,cyst", "1,two,3,4,cyst", "1,2,3,4,cyst", "1,2,3,,cyst", "1,2,3,4,cyst,5", "1,9,3,4,cyst"]
    with pytest.raises(DataError) as caught:
        read(write(HEADER, *rows))
    told = str(caught.value).splitlines()
    assert told[0] == "4 mistakes:" and all(any(f"line {n}: " in line for line in told) for n in (3, 4, 5, 6))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_spreadsheets_csv_gives_the_points_of_the_plain_one(write, encoding, separator):
    _, plain = read(write(HEADER + ",patient", "1.2,3.5,4,20.25,cyst,Müller", "1.2,9,0.5,7,b,Müller"))
    columns = ("Patient", "SOP Instance UID", "ROW", "Column", "Diameter (mm)", "label", "")
    rows = [("Müller", "1.2", "3,5", "4", "20,25", "cyst", ""), ("Müller", "1.2", "9", ",5", "7", "b", ""), ("",) * 7]
    _, found = read(write(*map(separator.join, (columns, *rows)), encoding=encoding))
    assert [(p.image, p.row, p.column, p.diameter_mm) for p in found] == [("1.2", 3.5, 4, 20.25), ("1.2", 9, 0.5, 7)]
    for ours, theirs in zip(found, plain, strict=True):
        assert (ours.row, ours.column, ours.diameter_mm) == (theirs.row, theirs.column, theirs.diameter_mm)
        assert {ours.mark.values[name] for name in ("patient", "label")} == {"Müller", theirs.mark.values["label"]}


def test_a_tag_is_found_however_it_is_spelled_and_keeps_the_asked_name(write):
    _, (mark,) = load_marks(write(HEADER + ",Study Site", "1,2,3,4,cyst,A"), WITH_CSV, Review(), ["study_site"])
    assert mark.tags == {"study_site": "A"}


def test_missing_columns_are_told_of_the_nearest_source_and_the_others(write):
    with pytest.raises(DataError) as caught:
        read(write("file,row,column,diameter_mm,label", "1,2,3,4,cyst"))
    told = str(caught.value)
    assert told.index("those of dicom are sop_instance_uid") > told.index("the columns of png are file, patient")
    # Asked for one, it speaks of that one alone.
    with pytest.raises(DataError, match="sop_instance_uid is missing") as caught:
        load_marks(write("file,row,column,diameter_mm,label", "1,2,3,4,cyst"), [SOURCES["dicom"]], Review())
    assert "png" not in str(caught.value)


def test_a_source_needs_no_column_that_another_has(write):
    other = Source("other", "Files by name", ("volume", "kind"), read=lambda *_: [])
    found, (mark,) = load_marks(write("volume,kind", "a.nii,cyst"), [*WITH_CSV, other], Review())
    assert found is other and dict(mark.values) == {"volume": "a.nii", "kind": "cyst"}


def test_a_file_that_is_missing_or_not_text_is_refused(write, tmp_path):
    with pytest.raises(DataError, match=r"--annotations .*none\.csv cannot be read"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="UTF-8"):
        read(write(HEADER, "1,2,3,4,киста", encoding="cp1251"))


def test_a_csv_in_no_unicode_is_noted(write):
    review = Review()
    load_marks(write(HEADER, "1,2,3,4,zyste_ü"), WITH_CSV, review)
    assert review.notes(lambda text: None) == []
    _, (mark,) = load_marks(write(HEADER, "1,2,3,4,zyste_ü", encoding="latin-1"), WITH_CSV, review)
    assert mark.values["label"] == "zyste_ü"
    shown = []
    assert review.notes(shown.append)[0].startswith(
        "1 csv files in no Unicode, of which the letters are read as Western"
    )
    assert shown[0].endswith("lesions.csv is taken to be in cp1252.")


def test_deeplesions_diameters_in_pixels_are_no_millimetres(write):
    header = "file,patient,spacing_mm,row,column,diameter_mm,label,Lesion_diameters_Pixel_"
    row = 'a.png,P,0.8,20,20,{},x,"16.9386, 11.6453"'
    assert read(write(header, row.format(16.9386 * 0.8)))[1][0].diameter_mm == pytest.approx(13.55088)
    with pytest.raises(DataError, match=r"line 2: diameter_mm is the number of column Lesion_diameters_Pixel_"):
        read(write(header, row.format("16.9386")))


@pytest.mark.parametrize(
    ("patient", "label", "message"),
    [
        ("1.23E+12", "x", "patient is '1.23E+12', what a spreadsheet makes of a long number"),
        ("P", "NaN", "label is 'NaN', which programs write where nothing is"),
        ("#REF!", "x", "patient is '#REF!', which programs write where nothing is"),
    ],
)
def test_what_spreadsheets_make_of_names_is_refused(tmp_path, patient, label, message):
    path = tmp_path / "a.csv"
    path.write_text(f"sop_instance_uid,row,column,diameter_mm,label,patient\n1.2,1,2,3,{label},{patient}\n")
    review = Review()
    load_marks(path, [SOURCES["dicom"]], review)
    assert [message in str(one) for one in review.found] == [True]


def test_a_csv_of_other_columns_says_what_all_sources_have(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("# my marks\na,b\n")
    with pytest.raises(DataError, match=r"names no column that is known \(found: # my marks\); of dicom they are sop_"):
        load_marks(path, [SOURCES["dicom"], SOURCES["png"]], Review())
