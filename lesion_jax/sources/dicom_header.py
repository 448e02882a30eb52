"""What the header of a DICOM image must say, whatever its modality. Imports pydicom: import it late.

All that is wrong with a header is told at once.
"""

import dataclasses
import re
from pathlib import Path

import pydicom
from pydicom.uid import JPEG2000, JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless

from lesion_jax.errors import DataError
from lesion_jax.sources.dicom_file import numbers, refusal, value
from lesion_jax.sources.patients import PATIENT_ID, PERSON
from lesion_jax.sources.review import Doubt, Mistakes

# Cosine of the largest tilt against the body's axis; gantries tilt up to 30 degrees.
_MIN_AXIAL = 0.86
# JPEG 2000 that may lose something often does not: there LossyImageCompression tells.
_LOSSY = (JPEGBaseline8Bit, JPEGExtended12Bit, JPEGLSNearLossless)
# Words of an ImageType, the standard's and those of the large vendors.
_KINDS = (
    ("localizer", {"LOCALIZER", "SCOUT", "TOPOGRAM", "TOP"}, "localizer"),
    ("projection", {"MIP", "MINIP", "MAXIP", "PROJECTION"}, "projection"),
    ("reformat", {"MPR", "REFORMATTED", "REFORMAT"}, "reformat"),
)
_WHOLE_NUMBERS = ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation")
_BITS_ALLOCATED = (8, 16, 32)
_SCANNER = ("Manufacturer", "ManufacturerModelName")
_PERSON = ("PatientName", "PatientBirthDate")
_BELONGS = (PATIENT_ID, "StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
# Distances at the detector, where there is no distance in the patient: X-rays.
_AT_DETECTOR = "ImagerPixelSpacing"


@dataclasses.dataclass(frozen=True)
class Header:
    """What a header says of an image.

    Attributes:
      spacing_mm: (row, column) distance between pixel centres, mm.
      is_axial: Whether it is an axial slice; None where the header does not say how it lies.
      belongs: See `base.Slice`.
      scanner: See `base.Slice`.
      doubts: What is doubtful.
    """

    spacing_mm: tuple[float, float]
    is_axial: bool | None
    belongs: dict[str, str]
    scanner: str
    doubts: list[Doubt]


def load_header(path: Path, data: pydicom.Dataset, mistakes: Mistakes) -> Header:
    """Reads and checks what every image's header must say.

    Args:
      path: For messages.
      data: The file; of a file of several images, with what it says of the one.
      mistakes: Takes all that is wrong.
    """
    spacing, is_axial = (1.0, 1.0), None
    doubts: list[Doubt] = []
    with mistakes.collected():
        spacing = _spacing(path, data, doubts)
    with mistakes.collected():
        is_axial = _is_axial(path, data)
    told = len(mistakes.found)
    for field in _WHOLE_NUMBERS:
        with mistakes.collected():
            must = "it must be one whole number" + (" above 0" if field in _WHOLE_NUMBERS[:2] else "")
            number = numbers(path, data, field, 1, must)[0]
            if number % 1 or (field in _WHOLE_NUMBERS[:2] and number < 1):
                raise refusal(path, data, field, must)
    if len(mistakes.found) == told:
        _check_samples(path, data, mistakes)
    if data.get("SamplesPerPixel", 1) != 1:
        mistakes.add(str(refusal(path, data, "SamplesPerPixel", "a grey image has 1")))
    kind = set(re.split(r"[^A-Z]+", str(value(path, data, "ImageType") or "").upper()))
    for check, words, what in _KINDS:
        if words & kind:
            doubts.append(Doubt(check, f"{path} is a {what} by its ImageType, not a slice as it was scanned"))
    if value(path, data, "BurnedInAnnotation") == "YES":
        doubts.append(Doubt("burnt_in", f"{path} has text in its pixels by its BurnedInAnnotation"))
    if lossy := _lossy(path, data):
        doubts.append(lossy)
    names = {field: str(value(path, data, field) or "").strip() for field in _BELONGS}
    # A name alone may be somebody else's too.
    if all(person := [str(value(path, data, field) or "").strip() for field in _PERSON]):
        names[PERSON] = " ".join(person).casefold()
    scanner = " ".join(str(value(path, data, field) or "").strip() for field in _SCANNER).strip()
    return Header(spacing, is_axial, {field: name for field, name in names.items() if name}, scanner, doubts)


def _check_samples(path: Path, data: pydicom.Dataset, mistakes: Mistakes) -> None:
    """Checks how a number lies in its bits: elsewhere, or with another sign, it would be another number."""
    allocated, stored = data.BitsAllocated, data.BitsStored
    if allocated not in _BITS_ALLOCATED:
        mistakes.add(str(refusal(path, data, "BitsAllocated", "it must be 8, 16 or 32")))
    elif not 1 <= stored <= allocated:
        mistakes.add(str(refusal(path, data, "BitsStored", f"it must be 1 to {allocated}, as BitsAllocated says")))
    elif data.HighBit != stored - 1:
        must = f"it must be {stored - 1}, one less than BitsStored"
        mistakes.add(str(refusal(path, data, "HighBit", must)))
    if data.PixelRepresentation not in (0, 1):
        must = "it must be 0, of numbers without a sign, or 1, with one"
        mistakes.add(str(refusal(path, data, "PixelRepresentation", must)))


def _lossy(path: Path, data: pydicom.Dataset) -> Doubt | None:
    says = str(value(path, data, "LossyImageCompression") or "00").lstrip("0")
    method = value(path, data, "LossyImageCompressionMethod")
    ratio = value(path, data, "LossyImageCompressionRatio")
    if not (says or method or ratio or data.file_meta.TransferSyntaxUID in _LOSSY):
        return None
    # What it was compressed by several times is a list.
    ratios = re.findall(r"\d+(?:\.\d+)?", str(ratio)) or _measured_ratio(data)
    most = max(map(float, ratios), default=0.0)
    times = f", {most:.3g} to 1" if most else ""
    return Doubt("lossy", f"{path} was compressed with loss{times}, which changes its pixels", most)


def _measured_ratio(data: pydicom.Dataset) -> list[float]:
    """What the pixels would take by what they take, where they are still stored with loss."""
    if data.file_meta.TransferSyntaxUID not in (*_LOSSY, JPEG2000) or not data.get("PixelData"):
        return []
    try:
        whole = data.Rows * data.Columns * data.BitsStored / 8 * int(data.get("NumberOfFrames") or 1)
        return [whole / len(data.PixelData)]
    except (TypeError, ValueError, AttributeError):
        # The header is refused for it.
        return []


def _spacing(path: Path, data: pydicom.Dataset, doubts: list[Doubt]) -> tuple[float, float]:
    field = "PixelSpacing"
    if field not in data and _AT_DETECTOR in data:
        field = _AT_DETECTOR
        doubts.append(Doubt("detector", f"{path} has no {field}"))
    must = "it must be two numbers above 0, in mm"
    across, along = numbers(path, data, field, 2, must)
    if min(across, along) <= 0:
        raise refusal(path, data, field, must)
    return across, along


def _is_axial(path: Path, data: pydicom.Dataset) -> bool | None:
    if value(path, data, "ImageOrientationPatient") is None:
        return None
    cosines = numbers(path, data, "ImageOrientationPatient", 6, "it must be six numbers of an axial slice")
    # The normal's part along the body: of numpy's cross product the third number.
    right, front, _, down_right, down_front, _ = cosines
    return abs(right * down_front - front * down_right) >= _MIN_AXIAL


def refuse_without_pixels(path: Path, data: pydicom.Dataset) -> None:
    """Raises DataError where there is no image, or so little of it that nothing else is worth telling."""
    if "FloatPixelData" in data or "DoubleFloatPixelData" in data:
        raise DataError(f"{path}: its pixels are fractions (FloatPixelData); export it with whole numbers.")
    if "PixelData" not in data:
        raise refusal(path, data, "PixelData", "the file is cut short or has no image: export it again with its pixels")
    if not data.PixelData:
        raise DataError(f"{path}: PixelData is empty; export the slice with its pixels.")
