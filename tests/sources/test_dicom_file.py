"""DICOM files as people have them, and what is said of those that cannot be read."""

import logging
import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless

from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.dicom_file import index_files
from lesion_jax.sources.dicom_slice import load_slice
from lesion_jax.sources.files import list_files

HEADER = "sop_instance_uid,row,column,diameter_mm,label"


@pytest.fixture
def read(tmp_path):
    def read_rows(*rows, header=HEADER, **options):
        path = tmp_path.parent / f"{tmp_path.name}.csv"
        path.write_text("\n".join([header, *rows]) + "\n")
        return read_lesions(tmp_path, path, **options)

    return read_rows


def _rewritten(path, syntax):
    data = pydicom.dcmread(path)
    if syntax == ExplicitVRBigEndian:
        data.PixelData = np.frombuffer(data.PixelData, "<i2").astype(">i2").tobytes()
    data.file_meta.TransferSyntaxUID = syntax
    implicit, little = syntax.is_implicit_VR, syntax.is_little_endian
    pydicom.dcmwrite(path, data, implicit_vr=implicit, little_endian=little, force_encoding=True)
    return path.read_bytes()


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRLittleEndian, ExplicitVRBigEndian])
@pytest.mark.parametrize("begin", ["data set", "group 2", "DICM"])
def test_files_without_a_preamble_are_read(write_ct, syntax, begin):
    path = write_ct(uid="1.7")
    expected = load_slice(path).pixels
    raw = _rewritten(path, syntax)
    first = raw.index(b"\x00\x08\x00\x16" if syntax == ExplicitVRBigEndian else b"\x08\x00\x16\x00")
    path.write_bytes(raw[{"data set": first, "group 2": 132, "DICM": 128}[begin] :])
    index = index_files([path], {"1.7"})
    assert index.found == {"1.7": [path]} and index.dicom == [path]
    np.testing.assert_array_equal(load_slice(path).pixels, expected)


def test_what_only_begins_like_a_data_set_is_passed_over(tmp_path):
    for i, begin in enumerate((b"\x08\x00\xff\xff", b"\x08\x00\x05\x00", b"\x02\x00", b"II*\x00", b"")):
        (tmp_path / f"{i}").write_bytes(begin + bytes(range(256)) * 4)
    assert index_files(list_files(tmp_path), {"1"}).found == {}


def test_folders_that_are_links_are_entered_once(write_ct, tmp_path):
    write_ct("real/a", uid="1.1")
    (tmp_path / "patients").mkdir()
    (tmp_path / "patients" / "one").symlink_to("../real")
    (tmp_path / "real" / "loop").symlink_to("..")
    (tmp_path / "real" / "nowhere").symlink_to("gone")
    (tmp_path / "real" / "b").symlink_to("a")
    assert [path.name for path in list_files(tmp_path / "patients")] == ["a"]
    assert list_files(tmp_path / "patients")[0].read_bytes()


def test_complaints_are_counted_and_quote_nothing(write_ct, read, caplog, tmp_path):
    with pytest.warns(UserWarning):
        for i in range(3):
            write_ct(f"odd{i}", uid="1.02.SMITH", SpecificCharacterSet="ISO_IR 999")
    write_ct("good", uid="1.1")
    caplog.clear()
    notes = []
    with caplog.at_level(logging.WARNING):
        read("1.1,20,25,5,x", note=notes.append)
    assert notes == ["3 files with odd header values"]
    assert len(caplog.records) == 1 and "odd0" in caplog.text and "SMITH" not in caplog.text


def test_what_cannot_be_read_and_nobody_names_ends_no_build(write_ct, read, tmp_path, monkeypatch):
    write_ct("good", uid="1.1")
    closed = write_ct("closed/a", uid="1.2").parent
    whole_open, whole_scan = Path.open, os.scandir

    # As root reads everything, the system's answers are made up.
    def refuse(what):
        def call(path, *arguments, **options):
            if Path(path) == closed or (Path(path).name == "b" and what is whole_open):
                raise PermissionError(13, "Permission denied", str(path))
            return what(path, *arguments, **options)

        return call

    write_ct("b", uid="1.3")
    monkeypatch.setattr(Path, "open", refuse(whole_open))
    monkeypatch.setattr(os, "scandir", refuse(whole_scan))
    notes = []
    assert read("1.1,20,25,5,x", note=notes.append).lesions
    assert notes == ["2 files or folders that cannot be read, and that no row names"]
    with pytest.raises(DataError, match=r"1.2 is in none of .* \(2 files or folders cannot be read, such as .*closed"):
        read("1.2,20,25,5,x")


def test_the_readable_copy_is_taken(write_ct, read, tmp_path):
    whole = write_ct("b", uid="1.1").read_bytes()
    (tmp_path / "a").write_bytes(whole[:-100])
    assert len(read("1.1,20,25,5,x").lesions) == 1
    (tmp_path / "b").unlink()
    with pytest.raises(DataError, match="a: PixelData has 3900 bytes, .* it is cut short: copy it again"):
        read("1.1,20,25,5,x")


def test_copies_that_differ_are_told_apart_by_field(write_ct, read):
    write_ct("a", uid="1.1")
    write_ct("b", uid="1.1", PatientID="Other", PixelSpacing=[0.5, 0.9])
    with pytest.raises(DataError, match="a and .*b have the same .* but differ in PatientID, PixelSpacing; remove"):
        read("1.1,20,25,5,x,P", header=HEADER + ",patient")


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7, 0.95])
def test_a_compressed_file_that_is_cut_short_is_called_so(write_ct, share):
    path = write_ct()
    data = pydicom.dcmread(path)
    data.compress(RLELossless, generate_instance_uid=False)
    data.save_as(path)
    raw = path.read_bytes()
    path.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(DataError, match="cut short"):
        load_slice(path)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        (b"\x28\x00\x30\x00DS", b"0,5\\0,8 "),
        (b"\x28\x00\x30\x00DS", b"0.5 "),
        (b"\x28\x00\x30\x00DS", b"-.5\\0.8 "),
        (b"\x28\x00\x53\x10DS", b"1,0 "),
        (b"\x28\x00\x53\x10DS", b"1_0 "),
        (b"\x28\x00\x52\x10DS", b"-1_024"),
        (b"\x28\x00\x30\x00DS", b"0.5\\0.8_5 "),
        (b"\x28\x00\x52\x10DS", b"-1024\\0"),
        (b"\x20\x00\x37\x00DS", b"1\\0\\0\\0\\1"),
        (b"\x20\x00\x37\x00DS", b"1\\0\\0\\0\\x\\0"),
        (b"\x28\x00\x10\x00US", b"\x28\x00\x28\x00"),
    ],
)
def test_a_field_that_says_something_impossible_is_named(write_ct, field, written):
    path = write_ct()
    raw = path.read_bytes()
    at = raw.index(field) + 6
    length = int.from_bytes(raw[at : at + 2], "little")
    padded = written + b" " * (len(written) % 2)
    path.write_bytes(raw[:at] + len(padded).to_bytes(2, "little") + padded + raw[at + 2 + length :])
    name = pydicom.datadict.keyword_for_tag(
        int.from_bytes(field[:2], "little") << 16 | int.from_bytes(field[2:4], "little")
    )
    with pytest.raises(DataError, match=f": {name} is "):
        load_slice(path)


def test_a_uid_that_names_no_slice_is_told_what_it_is(write_ct, read):
    write_ct("IM1.dcm", uid="1.1", SeriesInstanceUID="1.5", StudyInstanceUID="1.6")
    for uid, message in (
        ("1.5", "1.5 is a SeriesInstanceUID, that of .*IM1.dcm"),
        ("1.6", "1.6 is a StudyInstanceUID"),
        ("IM1", "IM1 is the name of a file"),
        ("1.23E+30", "is what a spreadsheet makes of a UID"),
        ("1.9", "1.9 is in none of the 1 DICOM files"),
    ):
        with pytest.raises(DataError, match=message):
            read(f"{uid},20,25,5,x")


def test_the_mistakes_of_rows_and_files_are_told_at_once(write_ct, read):
    write_ct("a", uid="1.1")
    write_ct("b", uid="1.2", Modality="SR")
    write_ct("c", uid="1.3", RescaleSlope=None)
    rows = ["1.1,20,25,5,x", "1.2,20,25,5,x", "1.3,20,25,5,X", "1.4,20,25,5,x", "1.1,99,25,5,x", "1.1,1,one,5,x"]
    with pytest.raises(DataError) as caught:
        read(*rows)
    told = str(caught.value)
    assert told.startswith("6 mistakes:\n")
    for message in (
        "label 'X' differs from 'x'",
        "column is 'one'",
        "1.4 is in none",
        "row 99 lies outside",
        "b: Modality is SR",
        "c: RescaleSlope is missing",
    ):
        assert message in told
