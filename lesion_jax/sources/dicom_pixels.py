"""Pixels of a DICOM file as they are stored, and which of them are padding. Imports pydicom: import it late."""

import re
import warnings
from pathlib import Path

import numpy as np
import pydicom
from pydicom.encaps import get_frame
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_modality_lut
from pydicom.pixels.utils import pixel_array
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGExtended12Bit, JPEGLossless, JPEGLosslessSV1

from lesion_jax.errors import DataError
from lesion_jax.sources import jpeg_extended
from lesion_jax.sources.dicom_codestream import Codestream, describe

# Where several could: one reads a file everywhere. The others are left to pydicom, and decoded by gdcm.
_DECODERS = {JPEG2000: "pylibjpeg", JPEG2000Lossless: "pylibjpeg", JPEGExtended12Bit: jpeg_extended.NAME}
jpeg_extended.register()

_WITHOUT_SIGN = (JPEGLossless, JPEGLosslessSV1)

# What pydicom says where RLE has more than was asked for.
_RLE_BEYOND = re.compile(r"RLE segment contains .* (\d+) vs\. (\d+) bytes")


def load_stored(path: Path, data: pydicom.Dataset, frame: int) -> np.ndarray:
    """The numbers of one image as they are stored.

    Args:
      path: For messages.
      data: All of a file.
      frame: Number of the image in the file, from 0.

    Returns:
      Integer [R, C].

    Raises:
      DataError: They cannot be decoded, or have more bits than the header says.
    """
    if data.file_meta.TransferSyntaxUID.is_compressed:
        return _decoded(path, data, frame)
    _check_size(path, data)
    if data.BitsAllocated != 16:
        bits = data.BitsStored
        # pydicom drops the others: look first.
        data.BitsStored = data.BitsAllocated
        try:
            stored = pixel_array(data, index=frame)
        finally:
            data.BitsStored = bits
        return _narrowed(path, data, stored, bits)
    # pydicom takes as long for the rest of what it asks.
    shape, bits = (data.Rows, data.Columns), data.BitsStored
    order = "<" if data.file_meta.TransferSyntaxUID.is_little_endian else ">"
    size = 2 * shape[0] * shape[1]
    stored = np.frombuffer(data.PixelData, f"{order}u2", size // 2, frame * size).reshape(shape)
    stored = stored.astype(np.uint16, copy=False).view(np.int16 if data.PixelRepresentation else np.uint16)
    return _narrowed(path, data, stored, bits)


def _decoded(path: Path, data: pydicom.Dataset, frame: int) -> np.ndarray:
    """Pixels of a compressed image; decoders give it the header's size and drop bits beyond BitsStored: look first."""
    syntax, bits, told = data.file_meta.TransferSyntaxUID, data.BitsStored, _codestream(data, frame)
    if told and (told.rows, told.columns) != (data.Rows, data.Columns):
        raise DataError(
            f"{path}: its image has {told.rows} x {told.columns} pixels, but Rows x Columns are {data.Rows} x "
            f"{data.Columns}; export it again."
        )
    # RLE does not say, and may hold as much as there is room for.
    data.BitsStored = max(bits, told.bits if told else data.BitsAllocated)
    try:
        with warnings.catch_warnings(record=True, action="always") as heard:
            stored = pixel_array(data, index=frame, decoding_plugin=_DECODERS.get(syntax, ""))
    except (RuntimeError, NotImplementedError, ValueError) as error:
        raise DataError(
            f"{path}: its pixels ({syntax.name}) cannot be decoded: they are cut short or damaged, or no decoder here "
            "takes them; copy the file again, or store them uncompressed, as `gdcmconv --raw` does."
        ) from error
    finally:
        is_wider, data.BitsStored = data.BitsStored > bits, bits
    if beyond := [match for one in heard if (match := _RLE_BEYOND.search(str(one.message)))]:
        has, expected = map(int, beyond[0].groups())
        if has - expected >= min(data.Rows, data.Columns):
            raise DataError(
                f"{path}: its image has {has} pixels, but Rows x Columns = {data.Rows} x {data.Columns} are "
                f"{expected}; export it again."
            )
    # Of these it does not say whether the highest bit is a sign.
    has = told.bits if told and syntax in _WITHOUT_SIGN and data.PixelRepresentation else bits
    if has < bits and np.any(stored >> (has - 1) & 1):
        raise DataError(
            f"{path}: its image has {has} bits, but BitsStored is {bits}, and nothing says which numbers are "
            "negative; store it uncompressed, as `gdcmconv --raw` does, and look at it."
        )
    return _narrowed(path, data, stored, bits) if is_wider else stored


def _codestream(data: pydicom.Dataset, frame: int) -> Codestream | None:
    try:
        return describe(get_frame(data.PixelData, frame, number_of_frames=int(data.get("NumberOfFrames") or 1)))
    except Exception:
        # What is damaged, decoders refuse: pydicom raises all sorts of things.
        return None


def rescaled(stored: np.ndarray, data: pydicom.Dataset) -> np.ndarray:
    """float64 [R, C], stored numbers after the header's modality LUT or rescale, if it has one."""
    if data.get("ModalityLUTSequence") and data.PixelRepresentation:
        # The first number that is mapped is signed as the pixels are, whatever its representation says.
        count, first, bits = data.ModalityLUTSequence[0].LUTDescriptor
        data.ModalityLUTSequence[0]["LUTDescriptor"].value = [count, (first + 0x8000) % 0x10000 - 0x8000, bits]
    if data.get("ModalityLUTSequence"):
        return np.asarray(apply_modality_lut(stored, data), np.float64)
    # pydicom passes over one that stands alone.
    slope, intercept = (data.get(field) for field in ("RescaleSlope", "RescaleIntercept"))
    return stored * float(1 if slope is None else slope) + float(0 if intercept is None else intercept)


def encoding(data: pydicom.Dataset) -> str:
    """How the pixels are stored and what decodes them, for a dataset's card: names of the standard, none of a file."""
    syntax = data.file_meta.TransferSyntaxUID
    if not syntax.is_compressed:
        return syntax.name
    decoder = _DECODERS.get(syntax) or next(iter(get_decoder(syntax).available_plugins), "none")
    return f"{syntax.name}, decoded by {decoder}"


def is_padding(data: pydicom.Dataset, stored: np.ndarray) -> np.ndarray:
    """Where, as bool [R, C], the header says that a number stands for no measurement."""
    order = "little" if data.file_meta.TransferSyntaxUID.is_little_endian else "big"
    values = [data.get(field) for field in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    # Where a file does not say what an element is, as bytes.
    values = [int.from_bytes(one, order) if isinstance(one, bytes) and len(one) == 2 else one for one in values]
    if not isinstance(values[0], int):
        return np.zeros(stored.shape, bool)
    # Files write -2000 as 63536 and the reverse: only the bits are the pixels' own.
    bits, native = 8 * stored.dtype.itemsize, stored.dtype.newbyteorder("=")
    numbers = (one if isinstance(one, int) else values[0] for one in values)
    first, last = (np.array(one % (1 << bits), f"u{bits // 8}").view(native) for one in numbers)
    return (stored >= min(first, last)) & (stored <= max(first, last))


def _check_size(path: Path, data: pydicom.Dataset) -> None:
    """Rows or columns that the header lost would shear the image; pydicom passes over all that is too much."""
    rows, columns, size, each = data.Rows, data.Columns, len(data.PixelData), data.BitsAllocated // 8
    expected = rows * columns * int(data.get("NumberOfFrames") or 1) * each
    # Some scanners pad the end by a little.
    is_long = size - expected >= min(rows, columns) * each > 0
    if size < expected or is_long:
        why = "export it again" if is_long else "it is cut short: copy it again"
        raise DataError(
            f"{path}: PixelData has {size} bytes, but Rows x Columns = {rows} x {columns} take {expected}; {why}."
        )


def _narrowed(path: Path, data: pydicom.Dataset, stored: np.ndarray, bits: int) -> np.ndarray:
    """Numbers of so many bits, of their sign.

    Bits beyond BitsStored are another thing's, such as an overlay's, or BitsStored is wrong: decoders drop them.

    Args:
      path: For messages.
      data: The header.
      stored: The numbers with all of their bits, signed as PixelRepresentation says.
      bits: BitsStored.
    """
    unused = 8 * stored.dtype.itemsize - bits
    if unused <= 0:
        return stored
    unsigned = stored.view(f"u{stored.dtype.itemsize}")
    beyond = unsigned >> bits
    # A negative number's may be ones, or left out.
    is_negative = (unsigned >> (bits - 1) & 1).astype(bool) & bool(data.PixelRepresentation)
    if np.any((beyond != 0) & ~(is_negative & (beyond == (1 << unused) - 1))):
        raise DataError(f"{path}: its pixels have more bits than BitsStored = {bits} says; export it without overlays.")
    return stored << unused >> unused
