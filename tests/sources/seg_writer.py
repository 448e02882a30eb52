"""Writes DICOM segmentations and structure sets as the standard describes them (PS3.3, A.51 and A.19), for tests."""

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.pixels import pack_bits
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRLittleEndian

KINDS = {"BINARY": "1.2.840.10008.5.1.4.1.1.66.4", "LABELMAP": "1.2.840.10008.5.1.4.1.1.66.7"}
KINDS["FRACTIONAL"] = KINDS["BINARY"]


def item(**values):
    data = Dataset()
    for name, value in values.items():
        setattr(data, name, Sequence(value) if isinstance(value, list) and name.endswith("Sequence") else value)
    return data


def _reference(one, **more):
    frame = getattr(one, "frame", None)
    return item(
        ReferencedSOPInstanceUID=one.SOPInstanceUID, **({"ReferencedFrameNumber": frame} if frame else {}), **more
    )


def as_frames(path, slices):
    """Writes slices as one enhanced CT; gives the slices as its frames, to draw on."""
    whole = pydicom.dcmread(slices[0].filename)
    whole.file_meta.MediaStorageSOPInstanceUID = whole.SOPInstanceUID = "1.9.9"
    whole.SOPClassUID = whole.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.2.1"
    whole.NumberOfFrames = len(slices)
    whole.PixelData = b"".join(one.PixelData for one in slices)
    turn, pixel = item(ImageOrientationPatient=whole.ImageOrientationPatient), item(PixelSpacing=whole.PixelSpacing)
    value = item(RescaleSlope=1, RescaleIntercept=whole.RescaleIntercept, RescaleType="HU")
    whole.SharedFunctionalGroupsSequence = Sequence(
        [item(PlaneOrientationSequence=[turn], PixelMeasuresSequence=[pixel], PixelValueTransformationSequence=[value])]
    )
    whole.PerFrameFunctionalGroupsSequence = Sequence(
        [item(PlanePositionSequence=[item(ImagePositionPatient=one.ImagePositionPatient)]) for one in slices]
    )
    for field in (
        "ImagePositionPatient",
        "ImageOrientationPatient",
        "PixelSpacing",
        "RescaleSlope",
        "RescaleIntercept",
    ):
        delattr(whole, field)
    pydicom.dcmwrite(path, whole)
    for number, one in enumerate(slices, start=1):
        # Attributes of Python's, no elements.
        one.SOPInstanceUID, one.SOPClassUID, one.frame = whole.SOPInstanceUID, whole.SOPClassUID, number
    return slices


def write_seg(path, slices, masks, *, kind="BINARY", says_sources=True, says_series=True, move=(0, 0, 0), **changes):
    """Writes masks, [slice, row, column] of what is drawn by label, as drawn on `slices`; empty frames are left out."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = KINDS[kind]
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    frames, groups = [], []
    for number, mask in enumerate(masks.values(), start=1):
        for one, frame in zip(slices, mask, strict=True):
            if not frame.any():
                continue
            corner = (np.array(one.ImagePositionPatient, float) + move).tolist()
            group = item(PlanePositionSequence=[item(ImagePositionPatient=corner)])
            if kind != "LABELMAP":
                group.SegmentIdentificationSequence = Sequence([item(ReferencedSegmentNumber=number)])
            if says_sources:
                source = _reference(one, ReferencedSOPClassUID=one.SOPClassUID)
                group.DerivationImageSequence = Sequence([item(SourceImageSequence=[source])])
            groups.append(group)
            frames.append(frame.astype(np.uint8) * {"BINARY": 1, "FRACTIONAL": 200, "LABELMAP": number}[kind])
    first = slices[0]
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Modality, data.SegmentationType = "SEG", kind
    data.FrameOfReferenceUID = first.FrameOfReferenceUID
    if kind == "FRACTIONAL":
        data.MaximumFractionalValue = 200
    data.Rows, data.Columns, data.NumberOfFrames = *frames[0].shape, len(frames)
    data.SamplesPerPixel, data.PhotometricInterpretation, data.PixelRepresentation = 1, "MONOCHROME2", 0
    data.BitsAllocated = data.BitsStored = 1 if kind == "BINARY" else 8
    data.HighBit = data.BitsStored - 1
    data.SegmentSequence = Sequence(
        [item(SegmentNumber=number, SegmentLabel=label) for number, label in enumerate(masks, start=1)]
    )
    data.SharedFunctionalGroupsSequence = Sequence(
        [
            item(
                PlaneOrientationSequence=[item(ImageOrientationPatient=first.ImageOrientationPatient)],
                PixelMeasuresSequence=[item(PixelSpacing=first.PixelSpacing)],
            )
        ]
    )
    data.PerFrameFunctionalGroupsSequence = Sequence(groups)
    if says_series:
        instances = [item(ReferencedSOPInstanceUID=one.SOPInstanceUID) for one in slices]
        data.ReferencedSeriesSequence = Sequence(
            [item(SeriesInstanceUID=first.SeriesInstanceUID, ReferencedInstanceSequence=instances)]
        )
    pixels = np.stack(frames)
    data.PixelData = pack_bits(pixels) if kind == "BINARY" else pixels.tobytes()
    for name, value in changes.items():
        if value is None:
            delattr(data, name)
        else:
            setattr(data, name, value)
    pydicom.dcmwrite(path, data)
    return path


def outline(mask):
    """Corners [N, 2] (row, column) of the outer border of a mask's pixels; every row of it is one run."""
    rows = np.flatnonzero(mask.any(1))
    ends = [(row, *np.flatnonzero(mask[row])[[0, -1]]) for row in rows]
    left = [(row + side, first - 0.5) for row, first, _ in ends for side in (-0.5, 0.5)]
    right = [(row + side, last + 0.5) for row, _, last in reversed(ends) for side in (0.5, -0.5)]
    return np.array(left + right, float)


def write_rtstruct(path, slices, curves, *, says_sources=True, says_series=True, move=(0, 0, 0), kind="CLOSED_PLANAR"):
    """Writes curves, [(slice, corners)] by name, corners as (row, column), as drawn on `slices`."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.481.3"
    meta.MediaStorageSOPInstanceUID = pydicom.uid.generate_uid(entropy_srcs=[str(path)])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    data.SOPClassUID, data.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    data.Modality = "RTSTRUCT"
    first = slices[0]
    if says_series:
        study = item(RTReferencedSeriesSequence=[item(SeriesInstanceUID=first.SeriesInstanceUID)])
        space = item(FrameOfReferenceUID=first.FrameOfReferenceUID, RTReferencedStudySequence=[study])
        data.ReferencedFrameOfReferenceSequence = Sequence([space])
    described, drawn = [], []
    for number, (name, contours) in enumerate(curves.items(), start=1):
        described.append(item(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=first.FrameOfReferenceUID))
        items = []
        for index, corners in contours:
            one = slices[index]
            row_mm, column_mm = map(float, one.PixelSpacing)
            corner = np.array(one.ImagePositionPatient, float) + move
            points = corner + np.stack([corners[:, 1] * column_mm, corners[:, 0] * row_mm, 0 * corners[:, 0]], -1)
            contour = item(
                ContourGeometricType=kind,
                NumberOfContourPoints=len(points),
                ContourData=[f"{value:.4f}" for value in points.ravel()],
            )
            if says_sources:
                contour.ContourImageSequence = Sequence([_reference(one)])
            items.append(contour)
        drawn.append(item(ReferencedROINumber=number, ContourSequence=items))
    data.StructureSetROISequence, data.ROIContourSequence = Sequence(described), Sequence(drawn)
    pydicom.dcmwrite(path, data)
    return path
