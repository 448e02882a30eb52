"""Standardised uptake values of PET. Imports pydicom: import it late.

SUVbw is the activity at the time of the scan, times body weight over the dose that is left at that time (QIBA's
pseudo-code "SUV vendor-neutral"; Kinahan and Fletcher 2010, Semin. Ultrasound CT MR 31, 496).
"""

import datetime
from pathlib import Path

import pydicom
from pydicom.valuerep import DA, DT, TM

from lesion_jax.sources.dicom_file import numbers
from lesion_jax.sources.grey_scale import GreyRange

# What becomes 0 and 1000 unless the user says otherwise: viewers show up to 5 to 10.
SUV_RANGE = GreyRange(0, 10)
_MUST = "it must be one number"
_CORRECTIONS = {"ATTN", "DECY"}


def suv_factor(path: Path, data: pydicom.Dataset) -> float | None:
    """What numbers are multiplied with to become SUVbw in g/ml; None where the header does not say all of it.

    Args:
      path: For messages.
      data: A PET image's header.
    """
    try:
        units = str(data.get("Units") or "")
        if units == "GML":
            return 1.0 if str(data.get("SUVType") or "BW") == "BW" else None
        if units != "BQML" or not set(data.get("CorrectedImage") or ()) >= _CORRECTIONS:
            return None
        drug = data.RadiopharmaceuticalInformationSequence[0]
        grams = 1000 * numbers(path, data, "PatientWeight", 1, _MUST)[0]
        dose, half_life = (
            numbers(path, drug, field, 1, _MUST)[0] for field in ("RadionuclideTotalDose", "RadionuclideHalfLife")
        )
        if min(grams, dose, half_life) <= 0:
            return None
        decay = {"ADMIN": 1.0, "START": 0.5 ** (_seconds_before_scan(data, drug) / half_life)}
        return grams / (dose * decay[str(data.DecayCorrection)])
    except Exception:
        # Something is missing, or no number or time: pydicom raises all sorts of things.
        return None


def _seconds_before_scan(data: pydicom.Dataset, drug: pydicom.Dataset) -> float:
    """From the injection to the time that decay is corrected to.

    Raises:
      ValueError: The series was derived, and has a time of its own; or the injection is after it, or days before.
    """
    day, scan = _date(data.SeriesDate), _time(data.SeriesTime)
    begin = datetime.datetime.combine(day, scan)
    if begin > datetime.datetime.combine(_date(data.AcquisitionDate), _time(data.AcquisitionTime)):
        raise ValueError("the series is later than its images")
    if when := DT(str(drug.get("RadiopharmaceuticalStartDateTime") or "")):
        injected = datetime.datetime.combine(when.date(), when.time())
    else:
        injected = datetime.datetime.combine(day, _time(drug.RadiopharmaceuticalStartTime))
    seconds = (begin - injected).total_seconds()
    if not 0 <= seconds < 24 * 3600:
        raise ValueError("the injection is not before the scan")
    return seconds


def _date(text: str) -> datetime.date:
    return datetime.date.fromisoformat(DA(str(text)).isoformat())  # pyright: ignore[reportOptionalMemberAccess]


def _time(text: str) -> datetime.time:
    return datetime.time.fromisoformat(TM(str(text)).isoformat())  # pyright: ignore[reportOptionalMemberAccess]
