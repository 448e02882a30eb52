"""Compressed slices: to the bit, or refused."""

from pathlib import Path

import imagecodecs
import numpy as np
import pydicom
import pytest
from pydicom.data import get_testdata_file
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGExtended12Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)
from pydicom.uid import JPEGLossless as JPEGLosslessAny

from lesion_jax.errors import DataError
from lesion_jax.sources import dicom_deflated, dicom_file
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.dicom_header import load_header
from lesion_jax.sources.dicom_slice import load_slice
from lesion_jax.sources.review import Mistakes
from tests.sources import jpeg_lossless


@pytest.fixture
def write(write_ct):
    """Writes a CT slice whose pixels are a codestream."""

    def write_stream(stream, syntax, **fields):
        path = write_ct(**fields)
        data = pydicom.dcmread(path)
        data.file_meta.TransferSyntaxUID = syntax
        data.PixelData = pydicom.encaps.encapsulate([stream])
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True
        data.save_as(path)
        return path

    return write_stream


@pytest.mark.parametrize("signed", [0, 1])
@pytest.mark.parametrize(("bits", "precision"), [(12, 12), (16, 16), (12, 16)])
@pytest.mark.parametrize("predictor", [1, 4, 7])
def test_jpeg_lossless_is_decoded_to_the_bit(write, bits, precision, predictor, signed):
    low, high = (-(1 << bits - 1), 1 << bits - 1) if signed else (0, 1 << bits)
    stored = np.random.default_rng(predictor).integers(low, high, (40, 50))
    # Noise, and what is smooth.
    stored[:20] = np.arange(1000).reshape(20, 50) % 700 - 300 * signed
    stream = jpeg_lossless.encode(stored % (1 << precision), precision, predictor)
    path = write(
        stream,
        JPEGLosslessSV1 if predictor == 1 else JPEGLosslessAny,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=signed,
    )
    np.testing.assert_array_equal(load_slice(path).pixels, (stored - 1024).clip(-1024, 32767))


def test_jpeg_ls_is_decoded_to_the_bit(write_ct):
    # One image, compressed and not, of pydicom's own samples.
    plain = pydicom.dcmread(get_testdata_file("MR_small.dcm")).pixel_array
    packed = pydicom.dcmread(get_testdata_file("MR_small_jpeg_ls_lossless.dcm"))
    assert packed.file_meta.TransferSyntaxUID == JPEGLSLossless
    packed.Modality, packed.RescaleSlope, packed.RescaleIntercept = "CT", 1, -1024
    packed.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    path = write_ct()
    packed.save_as(path)
    np.testing.assert_array_equal(load_slice(path).pixels, plain.astype(int) - 1024)


def _compressed(write, write_ct, syntax):
    if syntax == JPEGLosslessSV1:
        return write(jpeg_lossless.encode(np.arange(2000).reshape(40, 50), 16, 1), syntax)
    path = write_ct()
    data = pydicom.dcmread(path)
    data.compress(syntax)
    data.save_as(path)
    return path


def test_negative_numbers_of_fewer_bits_than_the_header_says_are_refused(write):
    stored = np.arange(2000).reshape(40, 50) - 100
    path = write(jpeg_lossless.encode(stored % 4096, 12, 1), JPEGLosslessSV1)
    with pytest.raises(DataError, match="its image has 12 bits, but BitsStored is 16, and nothing says which numbers"):
        load_slice(path)
    positive = write(jpeg_lossless.encode(stored + 100, 12, 1), JPEGLosslessSV1)
    np.testing.assert_array_equal(load_slice(positive).pixels, stored + 100 - 1024)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, JPEGLosslessSV1])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"Columns": 40}, "its image has .* pixels, but Rows x Columns"),
        ({"Rows": 30}, "its image has .* pixels, but Rows x Columns"),
        ({"BitsStored": 10, "HighBit": 9}, "its pixels have more bits than BitsStored = 10 says"),
    ],
)
def test_a_header_that_contradicts_the_image_is_refused(write, write_ct, syntax, changes, message):
    path = _compressed(write, write_ct, syntax)
    data = pydicom.dcmread(path)
    data.update(changes)
    data.save_as(path)
    with pytest.raises(DataError, match=message):
        load_slice(path)


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless])
def test_negative_numbers_of_fewer_bits_than_there_is_room_for(write_ct, syntax):
    stored = np.arange(-1000, 1000, dtype=np.int16).reshape(40, 50)
    path = write_ct(PixelData=stored.tobytes(), BitsStored=12, HighBit=11)
    data = pydicom.dcmread(path)
    data.compress(syntax)
    data.save_as(path)
    np.testing.assert_array_equal(load_slice(path).pixels, (stored - 1024).clip(-1024))


@pytest.mark.parametrize("syntax", [RLELossless, JPEG2000Lossless, DeflatedExplicitVRLittleEndian])
def test_other_lossless_forms_give_the_same_pixels(write_ct, syntax):
    path = write_ct()
    expected = load_slice(path).pixels
    data = pydicom.dcmread(path)
    if syntax == DeflatedExplicitVRLittleEndian:
        data.file_meta.TransferSyntaxUID = syntax
    else:
        data.compress(syntax, generate_instance_uid=False)
    data.save_as(path)
    image = load_slice(path)
    np.testing.assert_array_equal(image.pixels, expected)
    assert image.doubts == ()


@pytest.mark.parametrize("share", [0.3, 0.99])
@pytest.mark.parametrize("syntax", [JPEGLosslessSV1, JPEGLSLossless, JPEG2000Lossless])
def test_a_codestream_that_is_cut_short_is_refused(write, write_ct, caplog, syntax, share):
    if syntax == JPEGLosslessSV1:
        stream = jpeg_lossless.encode(np.random.default_rng(0).integers(0, 4096, (40, 50)), 12, 1)
    else:
        if syntax == JPEGLSLossless:
            data = pydicom.dcmread(get_testdata_file("MR_small_jpeg_ls_lossless.dcm"))
        else:
            data = pydicom.dcmread(write_ct())
            data.compress(syntax, generate_instance_uid=False)
        (stream,) = pydicom.encaps.generate_frames(data.PixelData, number_of_frames=1)
    size = {"Rows": 64, "Columns": 64} if syntax == JPEGLSLossless else {}
    path = write(stream[: int(share * len(stream))], syntax, **size)
    with pytest.raises(DataError, match="JPEG.* cannot be decoded: they are cut short"):
        load_slice(path)
    # The decoders' tracebacks stay out of the log.
    assert not caplog.records


def test_what_loses_something_is_told():
    doubts = load_slice(Path(get_testdata_file("693_J2KI.dcm"))).doubts
    assert [doubt.check for doubt in doubts] == ["lossy"]


def test_the_dataset_keeps_how_much_was_lost(write_ct, tmp_path):
    rows = ["sop_instance_uid,row,column,diameter_mm,label"]
    told = [[10], [30, 4], None, [], None]
    for index, ratio in enumerate(told):
        says = {"LossyImageCompressionRatio": ratio, "LossyImageCompression": "01"} if index < 4 else {}
        write_ct(f"in/{index}", uid=f"1.{index}", **says)
        rows.append(f"1.{index},{10 + 4 * index},20,5,{'ab'[index % 2]}")
    path, notes = tmp_path / "rows.csv", []
    path.write_text("\n".join(rows))
    read_lesions(tmp_path / "in", path, note=notes.append)
    assert "4 slices that were compressed with loss, 10 to 30 : 1 (2 of them say)" in notes
    path.write_text("\n".join(rows[:2]))
    read_lesions(tmp_path / "in", path, note=notes.append)
    assert notes[-1] == "1 slices that were compressed with loss, 10 : 1"


def test_where_the_header_does_not_say_it_the_bytes_do():
    path = Path(get_testdata_file("JPGExtended.dcm"))
    data = pydicom.dcmread(path)
    ratios = []
    for _ in range(2):
        ratios += [one.ratio for one in load_header(path, data, Mistakes()).doubts if one.check == "lossy"]
        data.LossyImageCompressionRatio = None
    assert ratios == [76, 1024 * 256 * 12 / 8 / 6846]


def test_jpeg_extended_of_twelve_bits_is_read_with_a_word(write):
    # Two pixels that pydicom's own tests have of it, as other decoders gave them.
    (stream,) = pydicom.encaps.generate_frames(
        pydicom.dcmread(get_testdata_file("JPGExtended.dcm")).PixelData, number_of_frames=1
    )
    size = {"Rows": 1024, "Columns": 256, "BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
    image = load_slice(write(stream, JPEGExtended12Bit, **size))
    assert (image.pixels[420, 140], image.pixels[230, 120]) == (244 - 1024, 95 - 1024)
    assert [doubt.check for doubt in image.doubts] == ["lossy"]
    for damaged in (stream[: int(0.9 * len(stream))], b"\xff\xd8\xff\xd9"):
        with pytest.raises(DataError, match="JPEG Extended .* cannot be decoded"):
            load_slice(write(damaged, JPEGExtended12Bit, **size))


def test_jpeg_extended_may_hold_eight_bits_and_must_be_grey(write):
    fields = {"BitsStored": 12, "HighBit": 11, "PixelRepresentation": 0}
    grey = imagecodecs.jpeg8_encode(np.full((40, 50), 200, np.uint8), level=100)
    assert (load_slice(write(grey, JPEGExtended12Bit, **fields)).pixels == 200 - 1024).all()
    colours = imagecodecs.jpeg8_encode(np.zeros((40, 50, 3), np.uint8))
    with pytest.raises(DataError, match=r"JPEG Extended .* cannot be decoded"):
        load_slice(write(colours, JPEGExtended12Bit, **fields))


def test_an_offset_table_whose_length_lies_is_refused_by_name(write):
    # Found by benchmarks/mutated_files.py: pydicom ends in an error of struct.
    path = write(jpeg_lossless.encode(np.zeros((40, 50), int), 16, 1), JPEGLosslessSV1)
    content, item = path.read_bytes(), b"\xfe\xff\x00\xe0"
    at = content.index(item) + 4
    path.write_bytes(content[:at] + b"\x04\x00\x00\xc0" + content[at + 4 :])
    with pytest.raises(DataError, match="is not a whole DICOM file"):
        load_slice(path)


def test_a_deflated_file_is_unpacked_to_a_limit_only(write_ct, monkeypatch):
    data = pydicom.dcmread(write_ct())
    data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    data.add_new(0x7FE11001, "OB", bytes(3 << 20))
    path = write_ct("bomb")
    data.save_as(path)
    assert path.stat().st_size < 10_000 and load_slice(path).pixels.shape == (40, 50)
    for module in (dicom_file, dicom_deflated):
        monkeypatch.setattr(module, "MOST_BYTES", 1 << 20)
    with pytest.raises(DataError, match="bomb unpacks to more than 1 MiB"):
        load_slice(path)
    # Of what is not read, the beginning is enough.
    assert dicom_file.index_files([path], {"1.2.3"}).found == {"1.2.3": [path]}
