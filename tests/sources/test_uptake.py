"""PET: uptake values where the header has what they take, and else grey values that say so."""

import numpy as np
import pytest
from pydicom.sequence import Sequence

from lesion_jax.sources.dicom_slice import load_slice
from lesion_jax.sources.grey_slice import SeriesFiles
from tests.sources.seg_writer import item


def _pet(**changes):
    drug = {
        "RadionuclideTotalDose": 300e6, "RadionuclideHalfLife": 6000, "RadiopharmaceuticalStartTime": "090000",
    }  # fmt: skip
    return {
        "Units": "BQML", "CorrectedImage": ["DECY", "ATTN", "SCAT"], "DecayCorrection": "START", "PatientWeight": 60,
        "SeriesDate": "20200102", "SeriesTime": "104000.00", "AcquisitionDate": "20200102", "AcquisitionTime": "104530",
        "RadiopharmaceuticalInformationSequence": Sequence([item(**drug)]),
    } | changes  # fmt: skip


def test_pet_with_a_whole_header_is_in_uptake_values(write_ct):
    # 100 minutes after the injection, half of 300 MBq is left in 60 kg: 2,500 Bq/ml are the mean of the body.
    series = SeriesFiles([])
    for changes, half in (({}, 1), ({"DecayCorrection": "ADMIN"}, 2), ({"Units": "GML"}, 1 / 2500)):
        stored = np.zeros((40, 50), "<i2")
        stored[4:8, 5] = 25_000 if half > 0.1 else 10
        image = load_slice(write_ct("pet", Modality="PT", RescaleSlope=1, RescaleIntercept=0,
                                    PixelData=stored.tobytes(), **_pet(**changes)), series=series)  # fmt: skip
        # SUV 10 is 1000.
        assert image.pixels[5, 5] == pytest.approx(1000 / max(half, 1), abs=1) and image.pixels[0, 0] == 0
        assert [doubt.check for doubt in image.doubts] == ["suv"] and image.modality == "PT in SUVbw"


@pytest.mark.parametrize(
    "changes",
    [
        {"PatientWeight": None},
        {"PatientWeight": 0},
        {"Units": "CNTS"},
        {"CorrectedImage": ["DECY"]},
        {"DecayCorrection": "NONE"},
        {"SeriesTime": "200000"},
        {"AcquisitionTime": ""},
        {"RadiopharmaceuticalInformationSequence": None},
    ],
)
def test_pet_whose_header_lacks_something_is_not(write_ct, changes):
    image = load_slice(write_ct(Modality="PT", SeriesInstanceUID="2.1", **_pet(**changes)))
    assert [doubt.check for doubt in image.doubts] == ["grey_scale", "uptake"] and image.modality == "PT"
