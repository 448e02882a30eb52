"""A csv as people have it: what separates, encodes and names it is found out, and what is no csv is refused."""

import pytest

from lesion_jax.errors import DataError
from lesion_jax.sources.csv_file import load_csv


@pytest.fixture
def load(tmp_path):
    def load_bytes(content):
        path = tmp_path / "lesions.csv"
        path.write_bytes(content)
        return load_csv(path)

    return load_bytes


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_separator_and_end_of_line(load, separator, end):
    rows = (("a", "b"), ("1", "2"), ("", ""), ("3", ""))
    table = load(end.join(map(separator.join, rows)).encode())
    assert table.columns == ("a", "b") and table.separator == separator
    assert table.rows == [(2, ["1", "2"]), (4, ["3", ""])]


def test_the_separator_is_what_divides_the_header_most_and_may_be_told(load):
    assert load(b"a;b;c (x, y)\n1;2;3,5").rows == [(2, ["1", "2", "3,5"])]
    assert load(b'"a;1","b;2"\n1,2').columns == ("a;1", "b;2")
    told = load(b"sep=;\r\na;b\r\n1;2\r\n")
    assert told.columns == ("a", "b") and told.rows == [(3, ["1", "2"])]


def test_rows_are_as_long_as_the_header_but_for_values_beyond_it(load):
    table = load(b"a,b\n1\n1,2,,\n1,2,3\n")
    assert table.rows == [(2, ["1", ""]), (3, ["1", "2"]), (4, ["1", "2", "3"])]


def test_a_name_is_found_by_its_letters_and_digits(load):
    table = load("Diameter (mm),SOPInstanceUID,row,ROW,row 2,gr\u00f6\u00dfe".encode())
    assert table.indices("diameter_mm") == [0] and table.indices("sop_instance_uid") == [1]
    assert table.indices("row") == [2, 3] and table.indices("row_2") == [4]
    assert table.indices("gr\u00f6sse") == [5] and table.indices("diameter") == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-marked", "utf-16-be-marked"])
def test_encodings(load, encoding):
    plain = encoding.removesuffix("-marked")
    text = "\ufeff" * (plain != encoding) + "a,b\n\u017b,\u75c5\n"
    table = load(text.encode(plain))
    assert table.columns == ("a", "b") and table.rows == [(2, ["\u017b", "\u75c5"])]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,\u00fc".encode("latin-1"), "not a csv file in UTF-8"),
        ("a,b\n1,2\n".encode("utf-16-le"), "UTF-16 with its mark .it has zero bytes"),
        (b"PK\x03\x04" + bytes(100), "it is a spreadsheet's own file"),
        (b'a,b\n1,"2', "not a csv file"),
        (b"a,b\n1," + b"2" * 140_000, "a value of more than 131072 characters; is a quotation mark missing?"),
        # Cyrillic, Greek, Polish, French, Turkish; umlauts of DOS and of a Mac; UTF-8 that was cut and edited.
        ("a,b\n1,\u043a\u0438\u0441\u0442\u0430".encode("cp1251"), "not a csv file in UTF-8.*in Excel as .CSV UTF-8"),
        ("a,b\n1,\u03ba\u03cd\u03c3\u03c4\u03b7".encode("cp1253"), "not a csv file in UTF-8"),
        ("a,b\n1,\u017b\u00f3\u0142w".encode("cp1250"), "not a csv file in UTF-8"),
        ("a,b\n1,l\u00e8vre".encode("cp1252"), "not a csv file in UTF-8"),
        ("a,b\n1,da\u011f".encode("cp1254"), "not a csv file in UTF-8"),
        ("a,b\n1,M\u00fcller".encode("cp850"), "not a csv file in UTF-8"),
        ("a,b\n1,M\u00e4rz".encode("cp850"), "not a csv file in UTF-8"),
        ("a,b\n1,M\u00fcller".encode("mac_roman"), "not a csv file in UTF-8"),
        ("a,b\n1,M\u00fcller".encode() + b"\n2,M\xfcller", "not a csv file in UTF-8"),
    ],
)
def test_what_is_no_csv_is_refused(load, content, message):
    with pytest.raises(DataError, match=message):
        load(content)


def test_what_keeps_a_spreadsheet_from_numbers_is_no_part_of_a_value(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('\n\nuid,patient\n"=""1.20""",\'007\n\'tis,x\n')
    table = load_csv(path)
    assert table.rows == [(4, ["1.20", "007"]), (5, ["'tis", "x"])]


@pytest.mark.parametrize("encoding", ["cp1252", "cp1250", "latin-1", "iso8859-15", "cp1254"])
def test_umlauts_of_windows_are_read_and_told(load, encoding):
    text = "Gr\u00f6\u00dfe;L\u00e4sion\nM\u00fcller;\u00d6dem"
    table = load(text.encode(encoding))
    assert table.columns == ("Gr\u00f6\u00dfe", "L\u00e4sion") and table.rows == [(2, ["M\u00fcller", "\u00d6dem"])]
    assert table.encoding == "cp1252" and load(text.encode()).encoding == "utf-8"


def test_a_file_too_large_for_a_csv_is_not_read(tmp_path):
    with (tmp_path / "a.csv").open("wb") as file:
        # Takes no room on the disk.
        file.truncate((1 << 27) + 1)
    with pytest.raises(DataError, match="a.csv has 128 MiB, above 128; leave out what is no lesion"):
        load_csv(tmp_path / "a.csv")
