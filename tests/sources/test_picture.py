"""One image file: which of a TIFF's and a PNG's many forms are read, as what, and which are refused."""

import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from lesion_jax.errors import DataError
from lesion_jax.sources.picture import load_image
from lesion_jax.sources.whole_image import WholeImages

EIGHT = (np.arange(24, dtype=np.uint8) * 10).reshape(4, 6)
SIXTEEN = (np.arange(24, dtype=np.uint16) * 2500).reshape(4, 6)


def tiff(pixels, **changes):
    """A TIFF of one strip, written by the specification (TIFF 6.0, section 2); None in `changes` removes a tag."""
    data, (rows, columns) = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes(), pixels.shape
    values = {
        "ImageWidth": (256, columns),
        "ImageLength": (257, rows),
        "BitsPerSample": (258, pixels.dtype.itemsize * 8),
        "Compression": (259, 1),
        "PhotometricInterpretation": (262, 1),
        "StripOffsets": (273, 8),
        "SamplesPerPixel": (277, 1),
        "RowsPerStrip": (278, rows),
        "StripByteCounts": (279, len(data)),
        "SampleFormat": (339, 1),
    }
    tags = [(tag, changes.get(name, value)) for name, (tag, value) in values.items()]
    entries = [struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in tags if value is not None]
    return (
        struct.pack("<2sHI", b"II", 42, 8 + len(data))
        + data
        + struct.pack("<H", len(entries))
        + b"".join(entries)
        + bytes(4)
    )


def png(pixels, kind):
    """A PNG of 16 bits; kind is 2 for colours, 4 for grey with transparency."""

    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    rows, columns = pixels.shape[:2]
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 16, kind, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


@pytest.fixture
def load(tmp_path):
    def load_bytes(content, name="a.tif"):
        (tmp_path / name).write_bytes(content)
        return load_image(tmp_path / name)

    return load_bytes


@pytest.fixture
def load_saved(tmp_path):
    def save(pixels, name, **options):
        Image.fromarray(pixels).save(tmp_path / name, **options)
        return load_image(tmp_path / name)

    return save


def test_white_may_be_zero(load):
    np.testing.assert_array_equal(load(tiff(EIGHT))[0], EIGHT)
    np.testing.assert_array_equal(load(tiff(EIGHT, PhotometricInterpretation=0))[0], 255 - EIGHT)
    np.testing.assert_array_equal(load(tiff(SIXTEEN))[0], SIXTEEN >> 1)
    np.testing.assert_array_equal(load(tiff(SIXTEEN, PhotometricInterpretation=0))[0], (65535 - SIXTEEN) >> 1)
    # 12 bits of 16, whichever end is white.
    dark = load(tiff(SIXTEEN >> 4, PhotometricInterpretation=0))[2]
    assert [doubt.check for doubt in dark] == ["dark", "halved"]


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_white_may_be_zero_in_what_is_compressed(load, tmp_path, compression):
    for pixels, most, shift in ((EIGHT, 255, 0), (SIXTEEN, 65535, 1)):
        Image.fromarray(pixels).save(tmp_path / "a.tif", compression=compression)
        content = (tmp_path / "a.tif").read_bytes()
        one, zero = (struct.pack("<HHIHH", 262, 3, 1, value, 0) for value in (1, 0))
        assert content.count(one) == 1
        values, _, doubts = load(content.replace(one, zero))
        np.testing.assert_array_equal(values, (most - pixels) >> shift)
        assert "lossy" not in [doubt.check for doubt in doubts]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tiff(EIGHT, PhotometricInterpretation=None), "does not say whether 0 is black or white"),
        (tiff(EIGHT, SampleFormat=2), "has numbers with a sign in 8 bits"),
        (tiff(SIXTEEN, SampleFormat=2), "has values from -30536 to 32500"),
        (
            png(SIXTEEN.repeat(3, 1).reshape(4, 6, 3), 2),
            "has 16 bits and colour or transparency, of which 8 would be read",
        ),
        (png(np.stack([SIXTEEN, ~np.zeros_like(SIXTEEN)], -1), 4), "has 16 bits and colour or transparency"),
        (b"no image", "is not a whole image (cannot identify"),
        # A second directory without a tag.
        (tiff(EIGHT)[:-4] + struct.pack("<IHI", len(tiff(EIGHT)), 0, 0), "is not a whole image (Missing dimensions)"),
    ],
)
def test_what_would_be_read_as_something_else_is_refused(load, content, message):
    with pytest.raises(DataError, match=re.escape(message)):
        load(content)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.jpg", {}),
        ("a.tif", {"compression": "jpeg"}),
        ("a.png", {"format": "JPEG"}),
        ("a.jpg", {"format": "MPO", "save_all": True, "append_images": [Image.new("L", (6, 4))]}),
    ],
)
def test_what_was_compressed_with_loss_is_told(load_saved, name, options):
    pixels, _, doubts = load_saved(EIGHT, name, **options)
    # The first image of an MPO is the photograph.
    assert pixels.shape == (4, 6) and abs(int(pixels[3, 5]) - 230) < 20
    assert [doubt.check for doubt in doubts] == ["lossy"]


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "JPEG2000"])
def test_other_kinds_are_named_whatever_the_suffix_says(load_saved, kind):
    with pytest.raises(DataError, match=f"a.png is a file of kind {kind}; convert it to PNG"):
        load_saved(EIGHT, "a.png", format=kind)


@pytest.mark.parametrize("side", [8200, 60_000])
def test_too_many_pixels_are_refused_before_they_are_read(load, side):
    header = png(np.zeros((1, 1)), 4).replace(struct.pack(">II", 1, 1), struct.pack(">II", side, side), 1)
    at = header.index(b"IHDR")
    header = header[: at + 17] + struct.pack(">I", zlib.crc32(header[at : at + 17])) + header[at + 21 :]
    with pytest.raises(DataError, match=r"(8200 x 8200 pixels, )?more than 67 million( pixels)?; write it with fewer"):
        load(header, "a.png")


def test_a_large_colour_image_is_turned_grey_in_parts(monkeypatch, tmp_path):
    colours = np.random.default_rng(0).integers(0, 256, (64, 50, 3)).astype(np.uint8)
    whole = WholeImages().lesion(tmp_path, "a", colours, "x").image.pixels
    red, green, blue = colours.astype(float).transpose(2, 0, 1)
    assert np.abs(whole - (0.299 * red + 0.587 * green + 0.114 * blue)).max() <= 0.5 + 1e-9
    monkeypatch.setattr("lesion_jax.sources.whole_image._AT_ONCE", 400)
    np.testing.assert_array_equal(WholeImages().lesion(tmp_path, "a", colours, "x").image.pixels, whole)
    # One spot of colour in the last strip.
    grey = np.full((64, 50, 3), 7, np.uint8)
    grey[63, 49] = 0, 0, 255
    lesion = WholeImages().lesion(tmp_path, "a", grey, "x")
    assert lesion.image.pixels[63, 49] == 29 and "colour" in [doubt.check for doubt in lesion.image.doubts]
