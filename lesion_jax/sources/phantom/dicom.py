"""Writes phantom slices as CT Image Storage objects with pydicom."""

import datetime
from pathlib import Path

import numpy as np
import pydicom
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import UID, CTImageStorage, ExplicitVRLittleEndian, generate_uid

# Stored value = HU + 1024, as scanners write it: a reader that forgets the rescale is found out.
INTERCEPT = -1024
FIRST_DAY = datetime.date(2009, 1, 5)
SCANNERS = (("GE MEDICAL SYSTEMS", "LightSpeed VCT", "STANDARD"), ("SIEMENS", "SOMATOM Definition", "B30f"))


def make_uid(seed: int, *parts: str | int) -> UID:
    """A DICOM UID that depends on the seed and on what it names, and on nothing else.

    Args:
      seed: Seed of the phantom.
      *parts: What the UID names, such as patient number and slice number.

    Returns:
      UID under pydicom's root.
    """
    return generate_uid(entropy_srcs=["lesion_jax phantom", str(seed), *(str(part) for part in parts)])


def write_slice(
    path: Path,
    hu: np.ndarray,
    *,
    seed: int,
    patient: int,
    number: int,
    spacing: float,
    thickness: float,
    origin: tuple[float, float, float],
    scanner: int,
    male: bool,
    age: int,
) -> str:
    """Writes one axial slice.

    Args:
      path: File to write.
      hu: int16 [R, C], Hounsfield units.
      seed: Seed of the phantom; study, series and frame of reference are the patient's.
      patient: Number of the patient.
      number: InstanceNumber, from 1, in descending z, as scanners count from head to feet.
      spacing: Side of a pixel, mm.
      thickness: Slice thickness, mm.
      origin: ImagePositionPatient of the first pixel's centre, mm.
      scanner: Index into `SCANNERS`.
      male: PatientSex.
      age: PatientAge, years.

    Returns:
      The SOPInstanceUID.
    """
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = make_uid(seed, "instance", patient, number)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID = CTImageStorage
    data.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    data.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
    data.SpecificCharacterSet = "ISO_IR 100"
    day = (FIRST_DAY + datetime.timedelta(days=17 * patient)).strftime("%Y%m%d")
    for name in ("StudyDate", "SeriesDate", "AcquisitionDate", "ContentDate"):
        setattr(data, name, day)
    for name in ("StudyTime", "SeriesTime", "AcquisitionTime", "ContentTime"):
        setattr(data, name, "101500")
    data.AccessionNumber = f"PHANTOM{patient:04d}"
    data.Modality = "CT"
    data.Manufacturer, data.ManufacturerModelName, data.ConvolutionKernel = SCANNERS[scanner]
    data.ReferringPhysicianName = ""
    data.StudyDescription = "CT abdomen with contrast (synthetic phantom)"
    data.SeriesDescription = "Abdomen, portal venous phase"
    data.PatientName = f"Phantom^{patient:04d}"
    data.PatientID = f"PHANTOM-{seed}-{patient:04d}"
    data.PatientBirthDate = ""
    data.PatientSex = "M" if male else "F"
    data.PatientAge = f"{age:03d}Y"
    data.BodyPartExamined = "ABDOMEN"
    data.PatientPosition = "FFS"
    data.ContrastBolusAgent = "Iodinated contrast medium"
    data.KVP = "120"
    data.SliceThickness = f"{thickness:g}"
    data.ReconstructionDiameter = f"{spacing * hu.shape[1]:.3f}"
    data.StudyInstanceUID = make_uid(seed, "study", patient)
    data.SeriesInstanceUID = make_uid(seed, "series", patient)
    data.FrameOfReferenceUID = make_uid(seed, "frame", patient)
    data.StudyID, data.SeriesNumber, data.AcquisitionNumber, data.InstanceNumber = "1", "2", "1", str(number)
    data.PositionReferenceIndicator = ""
    data.ImageOrientationPatient = ["1", "0", "0", "0", "1", "0"]
    data.ImagePositionPatient = [f"{value:.4f}" for value in origin]
    data.SliceLocation = f"{origin[2]:.4f}"
    data.PixelSpacing = [f"{spacing:.6f}", f"{spacing:.6f}"]
    data.SamplesPerPixel = 1
    data.PhotometricInterpretation = "MONOCHROME2"
    data.Rows, data.Columns = hu.shape
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 16, 15, 1
    data.WindowCenter, data.WindowWidth = "40", "400"
    data.RescaleIntercept, data.RescaleSlope, data.RescaleType = str(INTERCEPT), "1", "HU"
    data.PixelData = (hu - np.int16(INTERCEPT)).astype("<i2").tobytes()
    pydicom.dcmwrite(path, data, enforce_file_format=True)
    return str(data.SOPInstanceUID)
