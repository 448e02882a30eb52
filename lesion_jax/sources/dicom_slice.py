"""One image from one DICOM file. Imports pydicom, which takes a second: import it late.

The pixels stay as they are stored: rows run downwards and columns rightwards, as the annotator's
viewer counted them. On a supine axial slice that is patient left on the right, table at the bottom.
"""

from pathlib import Path

import pydicom

from lesion_jax.sources.base import Slice
from lesion_jax.sources.dicom_file import read_file, refusal, value, whole
from lesion_jax.sources.dicom_frames import take_frame
from lesion_jax.sources.dicom_header import load_header, refuse_without_pixels
from lesion_jax.sources.dicom_pixels import encoding
from lesion_jax.sources.grey_scale import VALUE_RANGE
from lesion_jax.sources.grey_slice import MODALITIES, SeriesFiles, check_grey, load_grey
from lesion_jax.sources.hounsfield import check_ct, load_hounsfield
from lesion_jax.sources.patients import PATIENT_ID
from lesion_jax.sources.review import Mistakes


def load_slice(path: Path, frame: int | None = None, series: SeriesFiles | None = None) -> Slice:
    """Reads one image: a CT in Hounsfield units, another modality as grey values from 0 to 1000.

    Args:
      path: A DICOM file.
      frame: Number of the image in the file, from 1; None for the only one.
      series: Knows the other files, see `grey_slice.load_grey`.

    Returns:
      The slice; `patient` is the header's PatientID, "" where it has none.

    Raises:
      DataError: Not an image with pixels, spacing and a modality that can be used; of a CT, not axial or not in
        Hounsfield units. Names the file and all fields that are wrong.
    """
    with whole(path, "DICOM file"):
        return _load(path, read_file(path), frame, series)


def _load(path: Path, data: pydicom.Dataset, frame: int | None, series: SeriesFiles | None) -> Slice:
    modality = value(path, data, "Modality")
    if modality in (None, "CT"):
        refuse_without_pixels(path, data)
    if modality != "CT" and modality not in MODALITIES:
        raise refusal(path, data, "Modality", f"only CT, {', '.join(MODALITIES)} can be used")
    refuse_without_pixels(path, data)
    index = take_frame(path, data, frame)
    mistakes = Mistakes()
    header = load_header(path, data, mistakes)
    doubts = [*header.doubts, *(check_ct if modality == "CT" else check_grey)(path, data, header.is_axial, mistakes)]
    mistakes.check()
    if modality == "CT":
        pixels, found = load_hounsfield(path, data, index)
    else:
        pixels, found, modality = load_grey(path, data, index, series)
    return Slice(
        pixels,
        header.spacing_mm,
        header.belongs.get(PATIENT_ID, ""),
        unit="HU" if data.Modality == "CT" else "grey",
        value_range=None if data.Modality == "CT" else VALUE_RANGE,
        belongs=header.belongs,
        scanner=header.scanner,
        modality=str(modality),
        encoding=encoding(data),
        doubts=(*doubts, *found),
    )
