"""One axial CT slice from one DICOM file, in Hounsfield units. Imports pydicom, which takes a second: import it late.

The pixels stay as they are stored: rows run downwards and columns rightwards, as the annotator's
viewer counted them. On a supine axial slice that is patient left on the right, table at the bottom.
"""

import math
import re
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.pixels.processing import apply_modality_lut
from pydicom.uid import JPEG2000, JPEG2000Lossless, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from lesion_jax.core.types import UNITS
from lesion_jax.errors import DataError
from lesion_jax.sources.base import Slice
from lesion_jax.sources.dicom_file import numbers, quiet, read_file, refusal, value
from lesion_jax.sources.patients import PATIENT_ID
from lesion_jax.sources.review import Doubt

AIR_HU, HIGHEST_HU = UNITS["HU"].limits or (0, 0)
# Nothing in a 12-bit scanner's range is denser.
DENSEST_HU = 3071
# Cosine of the largest tilt against the body's axis; gantries tilt up to 30 degrees.
_MIN_AXIAL = 0.86
# Metal ends at about 15,000 HU on the longest scales. A whole slice shows air, around the body or in it.
_BEYOND_METAL, _SOME = 20_000, 0.01
_LARGE, _HIGHEST_AIR = 400, -300
# JPEG 2000 that may lose something often does not: there LossyImageCompression tells.
_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
# Where several could: one reads a file everywhere. The others are left to pydicom, and decoded by gdcm.
_DECODERS = {JPEG2000: "pylibjpeg", JPEG2000Lossless: "pylibjpeg"}
# Words of an ImageType, the standard's and those of the large vendors.
_KINDS = (
    ("localizer", {"LOCALIZER", "SCOUT", "TOPOGRAM"}, "localizer"),
    ("projection", {"MIP", "MINIP", "MAXIP", "PROJECTION"}, "projection"),
    ("reformat", {"MPR", "REFORMATTED", "REFORMAT"}, "reformat"),
)
_SCANNER = ("Manufacturer", "ManufacturerModelName")
_BELONGS = (PATIENT_ID, "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")


def load_slice(path: Path) -> Slice:
    """Reads one CT slice in Hounsfield units.

    HU come from the modality LUT or rescale of the header. Padding outside the scanned circle becomes
    air (-1024 HU), also where it is stored far below it.

    Args:
      path: A DICOM file.

    Returns:
      The slice; `patient` is the header's PatientID, "" where it has none.

    Raises:
      DataError: Not a single axial CT slice with pixels, spacing and Hounsfield units; names the file and the field.
    """
    try:
        with quiet():
            data = read_file(path)
            doubts = _check_header(path, data)
            must = "it must be two numbers above 0, in mm"
            across, along = numbers(path, data, "PixelSpacing", 2, must)
            if min(across, along) <= 0:
                raise refusal(path, data, "PixelSpacing", must)
            hu = _hounsfield(path, data)
            doubts += _check_values(path, hu)
            names = {field: str(value(path, data, field) or "").strip() for field in _BELONGS}
            scanner = " ".join(str(value(path, data, field) or "").strip() for field in _SCANNER).strip()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; copy it again.") from error
    # pydicom has no exception of its own for a header that it cannot take apart.
    except (InvalidDicomError, EOFError, AttributeError, KeyError, NotImplementedError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not a whole DICOM file ({_one_line(error)}); export it again.") from error
    belongs = {field: name for field, name in names.items() if name}
    return Slice(hu, (across, along), names[PATIENT_ID], "HU", belongs=belongs, scanner=scanner, doubts=tuple(doubts))


def _check_header(path: Path, data: pydicom.Dataset) -> list[Doubt]:
    def refuse(field: str, must: str) -> DataError:
        return refusal(path, data, field, must)

    if "PixelData" not in data and value(path, data, "Modality") in (None, "CT"):
        raise refuse("PixelData", "the file is cut short or has no image: export it again")
    if value(path, data, "Modality") != "CT":
        raise refuse("Modality", "only CT slices can be used")
    # An enhanced object keeps rescale and spacing in functional groups: read as a plain one it is silently wrong.
    frames = numbers(path, data, "NumberOfFrames", 1, "it must be 1") if "NumberOfFrames" in data else [1]
    if frames[0] > 1 or "SharedFunctionalGroupsSequence" in data:
        raise DataError(f"{path} is an enhanced or multi-frame object; export it as classic CT, one file per slice.")
    if value(path, data, "PhotometricInterpretation") != "MONOCHROME2":
        raise refuse("PhotometricInterpretation", "only MONOCHROME2 can be used")
    if "PixelData" not in data:
        raise refuse("PixelData", "export the slice with its pixels")
    for field in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
        if numbers(path, data, field, 1, "it must be one whole number")[0] % 1:
            raise refuse(field, "it must be one whole number")
    if data.get("SamplesPerPixel", 1) != 1:
        raise refuse("SamplesPerPixel", "a CT slice has 1")
    if data.BitsStored <= 8:
        raise refuse("BitsStored", "so few cannot hold Hounsfield units, and this is a mask or a screen capture")
    if data.HighBit != data.BitsStored - 1:
        raise refuse("HighBit", f"it must be {data.BitsStored - 1}, one less than BitsStored")
    if value(path, data, "ImageOrientationPatient") is not None:
        must = "it must be six numbers of an axial slice"
        cosines = numbers(path, data, "ImageOrientationPatient", 6, must)
        across, down = np.reshape(cosines, (2, 3))
        if abs(np.cross(across, down)[2]) < _MIN_AXIAL:
            raise refuse("ImageOrientationPatient", "only axial slices can be used")
    doubts = _check_rescale(path, data)
    kind = set(re.split(r"[^A-Z]+", str(value(path, data, "ImageType") or "").upper()))
    for check, words, what in _KINDS:
        if words & kind:
            doubts.append(Doubt(check, f"{path} is a {what} by its ImageType, not a slice as it was scanned"))
    if value(path, data, "BurnedInAnnotation") == "YES":
        doubts.append(Doubt("burnt_in", f"{path} has text in its pixels by its BurnedInAnnotation"))
    syntax = data.file_meta.TransferSyntaxUID
    if value(path, data, "LossyImageCompression") == "01" or syntax in _LOSSY:
        doubts.append(Doubt("lossy", f"{path} was compressed with loss, which changes its HU"))
    return doubts


def _check_rescale(path: Path, data: pydicom.Dataset) -> list[Doubt]:
    for field, least, must in (("RescaleSlope", 0, " above 0"), ("RescaleIntercept", -math.inf, "")):
        if "ModalityLUTSequence" in data and data.ModalityLUTSequence:
            table = data.ModalityLUTSequence[0]
            return _not_hu(path, table, "ModalityLUTType", value(path, table, "ModalityLUTType") or "")
        if value(path, data, field) is None:
            again = "without it the values are not Hounsfield units, so export the slice again"
            raise refusal(path, data, field, again)
        if numbers(path, data, field, 1, f"it must be one number{must}")[0] <= least:
            raise refusal(path, data, field, f"it must be one number{must}")
    return _not_hu(path, data, "RescaleType", value(path, data, "RescaleType") or "HU")


def _not_hu(path: Path, data: pydicom.Dataset, field: str, kind: object) -> list[Doubt]:
    if str(kind).strip().upper() == "HU":
        return []
    told = str(refusal(path, data, field, "export the slice in Hounsfield units (HU)")).removesuffix(".")
    return [Doubt("rescale_type", told)]


def _hounsfield(path: Path, data: pydicom.Dataset) -> np.ndarray:
    _check_bits(path, data)
    syntax = data.file_meta.TransferSyntaxUID
    data.pixel_array_options(decoding_plugin=_DECODERS.get(syntax, ""))
    try:
        stored = data.pixel_array
    except (RuntimeError, NotImplementedError) as error:
        raise DataError(
            f"{path}: its pixels ({syntax.name}) cannot be decoded: they are cut short or damaged, or no decoder here "
            "takes them; copy the file again, or store them uncompressed, as `gdcmconv --raw` does."
        ) from error
    hu = np.asarray(apply_modality_lut(stored, data), np.float64)
    # In between, a value marked as padding is also tissue's, as where a converter wrote 0: blanking it would
    # pepper lesions with air. Below air, the clip raises it.
    hu[_is_padding(data, stored) & (hu > DENSEST_HU)] = AIR_HU
    return np.rint(hu).clip(AIR_HU, HIGHEST_HU).astype(np.int16)


def _check_values(path: Path, hu: np.ndarray) -> list[Doubt]:
    if np.mean(hu > _BEYOND_METAL) > _SOME:
        return [Doubt("range", f"{path} has many pixels above {_BEYOND_METAL} HU; were negative numbers lost?")]
    if min(hu.shape) >= _LARGE and hu.min() > _HIGHEST_AIR:
        return [Doubt("no_air", f"{path} has no pixel below {hu.min()} HU")]
    return []


def _check_bits(path: Path, data: pydicom.Dataset) -> None:
    """Bits beyond BitsStored are another thing's, such as an overlay's, or BitsStored is wrong: decoders drop them."""
    bits = data.BitsStored
    if bits >= 16 or data.BitsAllocated != 16 or data.file_meta.TransferSyntaxUID.is_compressed:
        return
    order = "<" if data.file_meta.TransferSyntaxUID.is_little_endian else ">"
    stored = np.frombuffer(data.PixelData, f"{order}u2")
    beyond = stored >> bits
    # A negative number's may be ones, or left out.
    is_negative = (stored >> (bits - 1) & 1).astype(bool) & bool(data.PixelRepresentation)
    if np.any((beyond != 0) & ~(is_negative & (beyond == (1 << 16 - bits) - 1))):
        raise DataError(f"{path}: its pixels have more bits than BitsStored = {bits} says; export it without overlays.")


def _is_padding(data: pydicom.Dataset, stored: np.ndarray) -> np.ndarray:
    values = [data.get(field) for field in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    if not isinstance(values[0], int):
        return np.zeros(stored.shape, bool)
    # Files write -2000 as 63536 and the reverse: only the bits are the pixels' own.
    bits = 8 * stored.dtype.itemsize
    first, last = (
        np.array((value if isinstance(value, int) else values[0]) % (1 << bits), f"u{bits // 8}").view(stored.dtype)
        for value in values
    )
    return (stored >= min(first, last)) & (stored <= max(first, last))


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
