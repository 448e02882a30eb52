"""A CT's pixels in Hounsfield units. Imports pydicom: import it late."""

import math
from pathlib import Path

import numpy as np
import pydicom

from lesion_jax.core.types import UNITS
from lesion_jax.sources.dicom_file import numbers, refusal, value
from lesion_jax.sources.dicom_pixels import is_padding, load_stored, rescaled
from lesion_jax.sources.review import Doubt, Mistakes

AIR_HU, HIGHEST_HU = UNITS["HU"].limits or (0, 0)
# Nothing in a 12-bit scanner's range is denser.
DENSEST_HU = 3071
# Metal ends at about 15,000 HU on the longest scales. A whole slice shows air, around the body or in it.
_BEYOND_METAL, _SOME = 20_000, 0.01
_LARGE, _HIGHEST_AIR = 400, -300


def check_ct(path: Path, data: pydicom.Dataset, is_axial: bool | None, mistakes: Mistakes) -> list[Doubt]:
    """Checks what the header of a CT must say besides.

    Args:
      path: For messages.
      data: The header.
      is_axial: See `dicom_header.Header`.
      mistakes: Takes what is wrong.

    Returns:
      What is doubtful.
    """
    if value(path, data, "PhotometricInterpretation") != "MONOCHROME2":
        mistakes.add(str(refusal(path, data, "PhotometricInterpretation", "only MONOCHROME2 can be used")))
    if isinstance(bits := data.get("BitsStored"), int) and bits <= 8:
        must = "so few cannot hold Hounsfield units, and this is a mask or a screen capture"
        mistakes.add(str(refusal(path, data, "BitsStored", must)))
    if is_axial is False:
        mistakes.add(str(refusal(path, data, "ImageOrientationPatient", "only axial slices can be used")))
    if data.get("ModalityLUTSequence"):
        table = data.ModalityLUTSequence[0]
        must = "the table of its ModalityLUTSequence must have three numbers here, and as many in LUTData"
        with mistakes.collected():
            count, _, _ = numbers(path, table, "LUTDescriptor", 3, must)
            data_of = table.get("LUTData")
            size = len(data_of) // 2 if isinstance(data_of, bytes) else len(data_of or ())
            if size < count:
                raise refusal(path, table, "LUTDescriptor", must)
        doubts = _not_hu(path, table, "ModalityLUTType", value(path, table, "ModalityLUTType") or "")
        if not doubts and (twice := data.dir("RescaleSlope", "RescaleIntercept")):
            told = f"{path} has a ModalityLUTSequence and {twice[0]}, of which one can be meant; the first is taken"
            doubts = [Doubt("rescale_type", told)]
        return doubts
    for field, least, must in (("RescaleSlope", 0, " above 0"), ("RescaleIntercept", -math.inf, "")):
        with mistakes.collected():
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


def load_hounsfield(path: Path, data: pydicom.Dataset, frame: int) -> tuple[np.ndarray, list[Doubt]]:
    """Pixels by the header's modality LUT or rescale.

    Padding outside the scanned circle becomes air (-1024 HU), also where it is stored far below it.

    Args:
      path: For messages.
      data: The file.
      frame: Number of the image in the file, from 0.

    Returns:
      int16 [R, C] in HU, and what is doubtful.
    """
    stored = load_stored(path, data, frame)
    hu = _exact(stored, data)
    if hu is None:
        hu = rescaled(stored, data)
    # In between, a value marked as padding is also tissue's, as where a converter wrote 0: blanking it would
    # pepper lesions with air. Below air, the clip raises it.
    if (padding := is_padding(data, stored)).any():
        hu[padding & (hu > DENSEST_HU)] = AIR_HU
    # In place: fetching memory for copies takes longer than computing.
    if hu.dtype.kind == "f":
        np.rint(hu, out=hu)
    whole = np.clip(hu, AIR_HU, HIGHEST_HU, out=hu).astype(np.int16)
    return whole, _doubtful(path, whole)


def _exact(stored: np.ndarray, data: pydicom.Dataset) -> np.ndarray | None:
    """int32 [R, C] HU where whole numbers are enough, which takes a third of the time; None where they are not."""
    if data.get("ModalityLUTSequence") or stored.dtype.itemsize > 2:
        return None
    slope, intercept = float(data.RescaleSlope), float(data.RescaleIntercept)
    if slope != 1 or intercept % 1 or abs(intercept) > HIGHEST_HU:
        return None
    return stored + np.int32(intercept)


def _doubtful(path: Path, hu: np.ndarray) -> list[Doubt]:
    if hu.max() > _BEYOND_METAL and np.mean(hu > _BEYOND_METAL) > _SOME:
        return [Doubt("range", f"{path} has many pixels above {_BEYOND_METAL} HU; were negative numbers lost?")]
    if min(hu.shape) >= _LARGE and hu.min() > _HIGHEST_AIR:
        return [Doubt("no_air", f"{path} has no pixel below {hu.min()} HU")]
    return []
