"""A tiny CT slice, written as a hospital would."""

import numpy as np
import pydicom
import pytest
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian


def make_ct(pixels=None, **changes) -> FileDataset:
    """16-bit signed CT of 40 x 50 pixels, 0.5 x 0.8 mm, stored as HU + 1024; None in `changes` removes an element."""
    hu = np.arange(2000, dtype=np.int16).reshape(40, 50) - 500 if pixels is None else pixels
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = CTImageStorage
    meta.MediaStorageSOPInstanceUID = changes.pop("uid", "1.2.3")
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    data = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    values = {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": meta.MediaStorageSOPInstanceUID,
        "Modality": "CT",
        "PatientID": "Miller",
        "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "PixelSpacing": [0.5, 0.8],
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": hu.shape[0],
        "Columns": hu.shape[1],
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "RescaleIntercept": -1024,
        "RescaleSlope": 1,
        "PixelData": (hu + np.int16(1024)).astype("<i2").tobytes(),
    }
    for name, value in {**values, **changes}.items():
        if value is not None:
            setattr(data, name, value)
    return data


@pytest.fixture
def new_ct():
    """`make_ct`."""
    return make_ct


@pytest.fixture
def write_ct(tmp_path):
    """Writes `make_ct` into tmp_path and returns the file's path."""

    def write(name="slice", **changes):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        pydicom.dcmwrite(path, make_ct(**changes))
        return path

    return write


@pytest.fixture
def series(write_ct):
    """Five slices of 0.5 x 0.8 mm, 2 mm apart; their file names run against their heights."""

    def write(number=1, names="edcba", begin=0, **changes):
        paths = [
            write_ct(
                f"in/{number}{name}",
                uid=f"1.{number}.{index}",
                pixels=np.random.default_rng([number, index]).integers(0, 100, (40, 50)).astype(np.int16),
                **{
                    "PatientID": f"P{number}",
                    "SeriesInstanceUID": f"2.{number}",
                    "FrameOfReferenceUID": f"3.{number}",
                    "ImagePositionPatient": [-10, -20, begin + 2 * index],
                    **changes,
                },
            )
            for index, name in enumerate(names)
        ]
        return [pydicom.dcmread(path) for path in paths]

    return write
