"""HU from honest, odd and real files; every file that must not be used is refused by name and field."""

import os
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset
from pydicom.valuerep import DSfloat

from lesion_jax.errors import DataError
from lesion_jax.sources.dicom_file import index_files
from lesion_jax.sources.dicom_slice import load_slice
from lesion_jax.sources.files import list_files


def _table(kind):
    table = Dataset()
    table.LUTDescriptor, table.LUTData = [3, 0, 16], np.array([40, 50, 60], "<u2").tobytes()
    if kind is not None:
        table.ModalityLUTType = kind
    return table


def test_hu_spacing_and_patient_come_from_the_header(write_ct):
    image = load_slice(write_ct(PatientID=" Miller "))
    assert image.pixels.dtype == np.int16 and image.pixels.shape == (40, 50)
    np.testing.assert_array_equal(image.pixels, np.arange(2000).reshape(40, 50) - 500)
    assert image.spacing_mm == (0.5, 0.8) and image.patient == "Miller"


def test_a_slope_is_applied_and_rounded(write_ct):
    stored = np.array([[0, 1], [2, 3]], "<i2")
    image = load_slice(write_ct(pixels=stored, PixelData=stored.tobytes(), RescaleSlope=2.3, RescaleIntercept=-10))
    assert image.pixels.tolist() == [[-10, -8], [-5, -3]]


@pytest.mark.parametrize("written", [[-5, 5, 2047, -2048], [0x0FFB, 5, 2047, 0x0800]], ids=["extended", "cut"])
def test_numbers_of_twelve_bits_are_read_with_their_sign(write_ct, written):
    stored = np.array(written, np.int64).astype("<i2").reshape(2, 2)
    path = write_ct(pixels=stored, PixelData=stored.tobytes(), BitsStored=12, HighBit=11, RescaleIntercept=0)
    assert load_slice(path).pixels.tolist() == [[-5, 5], [2047, -1024]]


def test_a_modality_lookup_table_is_applied(write_ct):
    table = Dataset()
    table.LUTDescriptor = [3, 0, 16]
    table.ModalityLUTType = "HU"
    table.LUTData = np.array([40, 50, 60], "<u2").tobytes()
    stored = np.array([[0, 1], [2, 7]], "<u2")
    image = load_slice(
        write_ct(
            pixels=stored.astype(np.int16),
            PixelData=stored.tobytes(),
            PixelRepresentation=0,
            RescaleSlope=None,
            RescaleIntercept=None,
            ModalityLUTSequence=[table],
        )
    )
    assert image.pixels.tolist() == [[40, 50], [60, 60]]


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        # Far below air: -2000 stored is -3024 HU.
        (-2000, -1024),
        # Above any tissue.
        (32767, -1024),
        # A tissue value that a converter declared to be padding stays.
        (1064, 40),
    ],
)
def test_padding_becomes_air_unless_tissue_has_its_value(write_ct, padding, expected):
    stored = np.array([[padding, 1024], [1124, padding]], "<i2")
    image = load_slice(write_ct(pixels=stored, PixelData=stored.tobytes(), PixelPaddingValue=padding))
    assert image.pixels.tolist() == [[expected, 0], [100, expected]]


def test_padding_written_with_the_other_sign_is_still_found(write_ct):
    # Unsigned pixels of all ones, declared as -1 to -10.
    stored = np.array([[65535, 65530], [65526, 1024]], "<u2")
    path = write_ct(pixels=stored.astype(np.int16), PixelData=stored.tobytes(), PixelRepresentation=0)
    assert load_slice(path).pixels.tolist() == [[32767, 32767], [32767, 0]]
    data = pydicom.dcmread(path)
    data.add_new("PixelPaddingValue", "SS", -1)
    data.add_new("PixelPaddingRangeLimit", "SS", -10)
    data.save_as(path)
    assert load_slice(path).pixels.tolist() == [[-1024, -1024], [-1024, 0]]


@pytest.mark.parametrize("written", [("US", 63536), ("SS", -2000), ("OB", b"\xf8\x30")])
def test_padding_of_a_big_endian_file_is_found(write_ct, new_ct, tmp_path, written):
    stored = np.array([[63536, 1024], [1124, 63536]], ">u2")
    data = new_ct(stored.astype(np.int32), PixelData=stored.tobytes(), PixelRepresentation=0)
    data.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
    data.add_new("PixelPaddingValue", *written)
    pydicom.dcmwrite(tmp_path / "a", data, implicit_vr=False, little_endian=False)
    assert load_slice(tmp_path / "a").pixels.tolist() == [[-1024, 0], [100, -1024]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Modality": "OT"}, "Modality is OT"),
        ({"Modality": None}, "Modality is missing"),
        ({"NumberOfFrames": 3}, "multi-frame object of 3 images; say in a column `frame`"),
        ({"NumberOfFrames": 1, "PerFrameFunctionalGroupsSequence": [Dataset()] * 2}, "describes 2 of 1 frames"),
        ({"PhotometricInterpretation": "MONOCHROME1"}, "PhotometricInterpretation is MONOCHROME1"),
        ({"PixelData": None}, "PixelData is missing"),
        ({"PixelData": b"\0\0"}, "PixelData has 2 bytes, but Rows x Columns = 40 x 50 take 4000; it is cut short"),
        # Read so, each row would begin farther on.
        ({"Columns": 40}, "PixelData has 4000 bytes, but Rows x Columns = 40 x 40 take 3200; export it again"),
        ({"Rows": 30}, "PixelData has 4000 bytes"),
        ({"Rows": 0}, "Rows is 0; it must be one whole number above 0"),
        ({"PixelData": None, "FloatPixelData": bytes(8000)}, "its pixels are fractions (FloatPixelData)"),
        ({"ModalityLUTSequence": [Dataset()]}, "LUTDescriptor is missing; the table of its ModalityLUTSequence"),
        ({"RescaleSlope": None}, "RescaleSlope is missing"),
        ({"RescaleIntercept": None}, "RescaleIntercept is missing"),
        ({"RescaleSlope": 0}, "RescaleSlope is 0.0; it must be one number above 0"),
        ({"RescaleSlope": -1}, "RescaleSlope is -1"),
        ({"RescaleSlope": DSfloat("nan")}, "RescaleSlope is nan"),
        ({"RescaleIntercept": [1, 2]}, "RescaleIntercept is [1.0, 2.0]; it must be one number."),
        ({"RescaleSlope": [1, 2]}, "RescaleSlope is [1.0, 2.0]"),
        ({"SamplesPerPixel": 3, "PlanarConfiguration": 0}, "SamplesPerPixel is 3"),
        ({"BitsAllocated": 8, "BitsStored": 8, "HighBit": 7}, "BitsStored is 8"),
        ({"BitsStored": 12, "HighBit": 15}, "HighBit is 15; it must be 11"),
        ({"BitsStored": 10, "HighBit": 9}, "more bits than BitsStored = 10 says"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0, -1]}, "ImageOrientationPatient"),
        ({"PixelSpacing": None}, "PixelSpacing is missing"),
        ({"PixelSpacing": [0, 1]}, "PixelSpacing is"),
    ],
)
def test_what_cannot_be_used_is_refused_by_file_and_field(write_ct, changes, message):
    path = write_ct(**changes)
    with pytest.raises(DataError) as caught:
        load_slice(path)
    assert message in str(caught.value) and str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"RescaleType": "US"}, [("rescale_type", "RescaleType is US")]),
        ({"RescaleType": "hu "}, []),
        ({"ModalityLUTSequence": [_table("OD")]}, [("rescale_type", "ModalityLUTType is OD")]),
        ({"ModalityLUTSequence": [_table(None)]}, [("rescale_type", "ModalityLUTType is missing")]),
        ({"ModalityLUTSequence": [_table("HU")]}, [("rescale_type", "has a ModalityLUTSequence and RescaleIntercept")]),
        ({"ImageType": ["ORIGINAL", "PRIMARY", "LOCALIZER"]}, [("localizer", "is a localizer")]),
        ({"ImageType": ["DERIVED", "SECONDARY", "REFORMATTED"]}, [("reformat", "is a reformat")]),
        ({"ImageType": ["DERIVED", "SECONDARY", "CSA MPR"]}, [("reformat", "is a reformat")]),
        ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "MIN_IP", "MIP"]}, [("projection", "is a projection")]),
        ({"ImageType": ["DERIVED", "SECONDARY", "AXIAL", "AVERAGE"]}, []),
        ({"BurnedInAnnotation": "YES"}, [("burnt_in", "has text in its pixels")]),
        ({"BurnedInAnnotation": "NO"}, []),
        ({"LossyImageCompression": "01"}, [("lossy", "compressed with loss")]),
        ({"LossyImageCompression": "00"}, []),
    ],
)
def test_what_is_doubtful_is_read_and_told(write_ct, changes, told):
    doubts = load_slice(write_ct(**changes)).doubts
    assert [doubt.check for doubt in doubts] == [check for check, _ in told]
    assert all(text in doubt.text for doubt, (_, text) in zip(doubts, told, strict=True))


def test_a_large_slice_without_air_and_lost_negative_numbers_are_told(write_ct):
    hu = np.random.default_rng(0).normal(1060, 20, (512, 512)).astype(np.int16)
    assert [doubt.check for doubt in load_slice(write_ct(pixels=hu)).doubts] == ["no_air"]
    hu[:100] = -1000
    assert load_slice(write_ct(pixels=hu)).doubts == ()
    # Stored as signed HU, and declared to be unsigned.
    path = write_ct(pixels=hu, PixelData=hu.tobytes(), PixelRepresentation=0, RescaleIntercept=0)
    assert [doubt.check for doubt in load_slice(path).doubts] == ["range"]


def test_pixels_that_no_codec_reads_are_refused_with_the_way_out(write_ct):
    path = write_ct()
    data = pydicom.dcmread(path)
    data.file_meta.TransferSyntaxUID = pydicom.uid.JPEGLSLossless
    data.PixelData = pydicom.encaps.encapsulate([b"\0\0"])
    data["PixelData"].VR = "OB"
    data.save_as(path)
    with pytest.raises(DataError, match="JPEG-LS.*gdcmconv"):
        load_slice(path)


def test_a_text_file_is_not_a_slice(tmp_path):
    (tmp_path / "notes").write_text("hello")
    with pytest.raises(DataError, match="notes is not a whole DICOM file"):
        load_slice(tmp_path / "notes")


def test_files_are_found_by_uid_whatever_their_names(write_ct, tmp_path):
    write_ct("b/IM2", uid="1.1")
    write_ct("a/x.txt", uid="1.2")
    # Anonymised: only the file meta knows.
    write_ct("c/IM9", uid="1.3", SOPInstanceUID="")
    write_ct("d/copy", uid="1.2")
    (tmp_path / "notes.dcm").write_text("no image")
    (tmp_path / "empty").touch()
    calls = []
    index = index_files(list_files(tmp_path), {"1.2", "1.3", "9"}, calls.append)
    assert len(index.dicom) == 4 and calls == [1, 2, 3, 4, 5, 6]
    assert {uid: [path.name for path in paths] for uid, paths in index.found.items()} == {
        "1.2": ["x.txt", "copy"],
        "1.3": ["IM9"],
    }


def test_a_damaged_header_is_passed_over_where_nobody_wants_it_and_refused_by_name_where_somebody_does(
    write_ct, tmp_path
):
    whole = write_ct("good", uid="1.1").read_bytes()
    (tmp_path / "unwanted").write_bytes(whole.replace(b"\x08\x00\x18\x00UI", b"\x08\x00\x18\x00U\x00"))
    index = index_files(list_files(tmp_path), {"1.1"})
    assert [path.name for path in index.found["1.1"]] == ["good"]
    spoilt = tmp_path / "spoilt"
    spoilt.write_bytes(whole.replace(b"\x10\x00\x20\x00LO", b"\x10\x00\x20\x00L\x00"))
    with pytest.raises(DataError, match="spoilt: PatientID cannot be read; export"):
        load_slice(spoilt)


def test_a_folder_that_is_missing_or_empty_is_refused(tmp_path):
    with pytest.raises(DataError, match="holds no files"):
        list_files(tmp_path)
    with pytest.raises(DataError, match="nowhere cannot be read"):
        list_files(tmp_path / "nowhere")


def test_pydicom_samples_read_as_their_own_rescale_says():
    path = Path(get_testdata_file("CT_small.dcm"))
    image = load_slice(path)
    data = pydicom.dcmread(path)
    plain = data.pixel_array.astype(np.int32) + int(data.RescaleIntercept)
    np.testing.assert_array_equal(image.pixels, plain.clip(-1024))
    assert data.PixelPaddingValue == -2000 and image.spacing_mm == (0.661468, 0.661468)
    # An axial JPEG 2000 slice, lossy.
    head = load_slice(Path(get_testdata_file("693_J2KI.dcm"))).pixels
    assert head.min() == -1024 and -1024 <= head[0, 0] <= -900


def test_real_jpeg2000_series_is_in_hounsfield_units(real_data):
    nibabel = pytest.importorskip("nibabel")
    folder = real_data / "dicom" / "totalseg_ct20"
    files = [path for path in list_files(folder) if path.name.startswith("CT")]
    # Names run against z here: the labels only fit when the slices are put in order by position.
    files.sort(key=lambda path: float(pydicom.dcmread(path, stop_before_pixels=True).ImagePositionPatient[2]))
    labels = np.asarray(nibabel.load(folder / "_example_seg_dicom.nii.gz").dataobj)[:, ::-1, :].transpose(2, 1, 0)
    for z in (0, 19):
        image = load_slice(files[z])
        assert 80 < np.median(image.pixels[labels[z] == 5]) < 100
        assert image.pixels[0, 0] < -990 and image.patient == ""


def test_real_signed_series_has_its_padding_turned_to_air(real_data):
    path = real_data / "dicom" / "dcmqi_ct3" / "ct-3slice" / "01.dcm"
    image = load_slice(path)
    assert pydicom.dcmread(path).pixel_array.min() == -2000
    assert image.pixels.min() == -1024 and image.pixels[0, 0] == -1024
    assert 50 < np.median(image.pixels[240:260, 140:165]) < 75


def test_a_pipe_among_the_files_is_passed_over(tmp_path, write_ct):
    path = write_ct("slice", uid="1.2")
    os.mkfifo(tmp_path / "pipe")
    assert list_files(tmp_path) == [path]
