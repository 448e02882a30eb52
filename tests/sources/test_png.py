"""Grey PNG files of both depths, and those that are something else."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lesion_jax.errors import DataError
from lesion_jax.sources.png import load_png


def _claims(side):
    """A file of a few bytes whose header claims side x side pixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = struct.pack(">IIBBBBB", side, side, 16, 0, 0, 0, 0)
    rest = chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rest


def test_sixteen_bits_hold_hu_with_an_offset(tmp_path):
    hu = np.array([[-1024, 0], [100, 3071]], np.int16)
    Image.fromarray((hu.astype(np.int32) + 32768).astype(np.uint16)).save(tmp_path / "a.png")
    found, unit = load_png(tmp_path / "a.png")
    assert found.dtype == np.int16 and unit == "HU"
    np.testing.assert_array_equal(found, hu)


def test_eight_bits_are_grey_values_as_they_are(tmp_path):
    values = np.array([[0, 255], [7, 128]], np.uint8)
    Image.fromarray(values).save(tmp_path / "a.png")
    found, unit = load_png(tmp_path / "a.png")
    assert found.dtype == np.int16 and unit == "grey" and found.tolist() == values.tolist()


def test_what_is_not_a_grey_png_is_refused(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "colour.png")
    Image.new("L", (4, 4)).save(tmp_path / "photo.jpg")
    Image.new("L", (64, 64)).save(tmp_path / "whole.png")
    (tmp_path / "half.png").write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    pages = [Image.new("L", (4, 4), shade) for shade in (0, 9)]
    pages[0].save(tmp_path / "film.png", save_all=True, append_images=pages[1:])
    (tmp_path / "vast.png").write_bytes(_claims(60_000))
    for name, message in (
        ("colour.png", "mode RGB"),
        ("photo.jpg", "is a file of kind JPEG; convert it to PNG"),
        ("half.png", "not a whole PNG"),
        ("none.png", "does not exist"),
        ("film.png", "holds 2 images; write each into a file"),
        ("vast.png", "could be decompression bomb"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            load_png(tmp_path / name)
        assert name in str(caught.value)


def test_deeplesion_is_in_hounsfield_units(real_data):
    files = sorted((real_data / "deeplesion_liver47" / "Images_png").glob("*.png"))
    assert len(files) == 47
    for path in files[::12]:
        hu, unit = load_png(path)
        # Air around the body; above fat, most is soft tissue.
        assert unit == "HU" and hu.shape == (512, 512) and hu.min() <= -1000
        assert 20 < np.median(hu[(hu > -30) & (hu < 200)]) < 130
