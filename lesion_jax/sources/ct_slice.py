"""One axial CT slice from one DICOM file, in Hounsfield units. Imports pydicom, which takes a second: import it late.

The pixels stay as they are stored: rows run downwards and columns rightwards, as the annotator's
viewer counted them. On a supine axial slice that is patient left on the right, table at the bottom.
"""

import math
import warnings
from collections.abc import Callable, Collection
from pathlib import Path

import numpy as np
import pydicom
from pydicom.errors import InvalidDicomError
from pydicom.filereader import read_partial
from pydicom.multival import MultiValue
from pydicom.pixels.processing import apply_modality_lut

from lesion_jax.core.types import UNITS
from lesion_jax.errors import DataError
from lesion_jax.sources.base import Slice

AIR_HU, HIGHEST_HU = UNITS["HU"].limits or (0, 0)
# Nothing in a 12-bit scanner's range is denser.
DENSEST_HU = 3071
# Cosine of the largest tilt against the body's axis; gantries tilt up to 30 degrees.
_MIN_AXIAL = 0.86


def index_files(
    paths: Collection[Path], uids: Collection[str], progress: Callable[[int], None] | None = None
) -> tuple[dict[str, list[Path]], int]:
    """Finds the files that hold the wanted instances, reading only the beginning of each file.

    Args:
      paths: Files; those that are not DICOM are passed over.
      uids: Wanted SOP instance UIDs.
      progress: Called with the number of files done.

    Returns:
      Files of every wanted UID that was found, in the order of `paths`, and how many files were DICOM.
    """
    found: dict[str, list[Path]] = {}
    num_dicom = 0
    for done, path in enumerate(paths, start=1):
        uid = _read_uid(path)
        if uid is not None:
            num_dicom += 1
            if uid in uids:
                found.setdefault(uid, []).append(path)
        if progress is not None:
            progress(done)
    return found, num_dicom


def _read_uid(path: Path) -> str | None:
    try:
        with path.open("rb") as file, warnings.catch_warnings():
            # Odd values in headers that nobody asked for.
            warnings.simplefilter("ignore")
            data = read_partial(file, stop_when=lambda tag, vr, length: tag > 0x00080018)
            # Read when it is asked for. Anonymisers empty the data set's UID and leave the file meta's, which by the
            # standard is the same.
            return str(data.get("SOPInstanceUID") or data.file_meta.get("MediaStorageSOPInstanceUID") or "")
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}; make it readable or remove it.") from error
    except Exception:
        # Not DICOM, or so broken that no UID can be read from it: pydicom raises all sorts of things.
        return None


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
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = pydicom.dcmread(path)
            spacing = _check_header(path, data)
            hu = _hounsfield(path, data)
            patient = str(data.get("PatientID") or "").strip()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; copy it again.") from error
    # pydicom has no exception of its own for a header that it cannot take apart.
    except (InvalidDicomError, EOFError, AttributeError, KeyError, NotImplementedError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not a whole DICOM file ({_one_line(error)}); export it again.") from error
    return Slice(hu, spacing, patient, "HU")


def _check_header(path: Path, data: pydicom.Dataset) -> tuple[float, float]:
    def refuse(field: str, must: str) -> DataError:
        return _refusal(path, data, field, must)

    if data.get("Modality") != "CT":
        raise refuse("Modality", "only CT slices can be used")
    # An enhanced object keeps rescale and spacing in functional groups: read as a plain one it is silently wrong.
    if int(data.get("NumberOfFrames") or 1) > 1 or "SharedFunctionalGroupsSequence" in data:
        raise DataError(f"{path} is an enhanced or multi-frame object; export it as classic CT, one file per slice.")
    if data.get("PhotometricInterpretation") != "MONOCHROME2":
        raise refuse("PhotometricInterpretation", "only MONOCHROME2 can be used")
    if "PixelData" not in data:
        raise refuse("PixelData", "export the slice with its pixels")
    if data.get("SamplesPerPixel", 1) != 1:
        raise refuse("SamplesPerPixel", "a CT slice has 1")
    if data.BitsStored <= 8:
        raise refuse("BitsStored", "so few cannot hold Hounsfield units, and this is a mask or a screen capture")
    if data.HighBit != data.BitsStored - 1:
        raise refuse("HighBit", f"it must be {data.BitsStored - 1}, one less than BitsStored")
    _check_rescale(path, data)
    orientation = data.get("ImageOrientationPatient")
    if orientation:
        across, down = np.asarray(orientation, np.float64).reshape(2, 3)
        if abs(np.cross(across, down)[2]) < _MIN_AXIAL:
            raise refuse("ImageOrientationPatient", "only axial slices can be used")
    spacing = data.get("PixelSpacing") or ()
    if len(spacing) != 2 or not all(0 < float(value) < np.inf for value in spacing):
        raise refuse("PixelSpacing", "it must be two numbers above 0, in mm")
    return float(spacing[0]), float(spacing[1])


def _check_rescale(path: Path, data: pydicom.Dataset) -> None:
    in_hu = "export the slice in Hounsfield units (HU)"
    if data.get("RescaleType", "HU") not in ("HU", "", None):
        raise _refusal(path, data, "RescaleType", in_hu)
    if table := data.get("ModalityLUTSequence"):
        if table[0].get("ModalityLUTType") != "HU":
            raise _refusal(path, table[0], "ModalityLUTType", in_hu)
        return
    for field, least, must in (("RescaleSlope", 0, " above 0"), ("RescaleIntercept", -math.inf, "")):
        if (value := data.get(field)) in (None, ""):
            again = "without it the values are not Hounsfield units, so export the slice again"
            raise _refusal(path, data, field, again)
        if isinstance(value, MultiValue) or not least < value < math.inf:
            raise _refusal(path, data, field, f"it must be one number{must}")


def _refusal(path: Path, data: pydicom.Dataset, field: str, must: str) -> DataError:
    value = data.get(field)
    state = "is missing" if value in (None, "") else f"is {value}"
    return DataError(f"{path}: {field} {state}; {must}.")


def _hounsfield(path: Path, data: pydicom.Dataset) -> np.ndarray:
    _check_bits(path, data)
    try:
        stored = data.pixel_array
    except (RuntimeError, NotImplementedError) as error:
        syntax = data.file_meta.TransferSyntaxUID.name
        raise DataError(
            f"{path}: its pixels ({syntax}) cannot be decoded; store them uncompressed, as `gdcmconv --raw` does."
        ) from error
    hu = np.asarray(apply_modality_lut(stored, data), np.float64)
    # In between, a value marked as padding is also tissue's, as where a converter wrote 0: blanking it would
    # pepper lesions with air. Below air, the clip raises it.
    hu[_is_padding(data, stored) & (hu > DENSEST_HU)] = AIR_HU
    return np.rint(hu).clip(AIR_HU, HIGHEST_HU).astype(np.int16)


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
