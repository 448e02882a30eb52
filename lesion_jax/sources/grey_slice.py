"""Pixels of MR and other modalities as grey values. Imports pydicom: import it late."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pydicom

from lesion_jax.errors import DataError
from lesion_jax.sources.dicom_file import begin, instance_uid, numbers, read_file, refusal, value
from lesion_jax.sources.dicom_frames import take_frame
from lesion_jax.sources.dicom_pixels import is_padding, load_stored, rescaled
from lesion_jax.sources.grey_scale import Ends, find_ends, to_grey
from lesion_jax.sources.review import Doubt, Mistakes

MODALITIES = ("MR", "PT", "NM", "CR", "DX", "MG", "XA", "RF", "US")
# More images of a series tell the same.
_MOST_IMAGES = 40
_SERIES_UID = 0x0020000E


class SeriesFiles:
    """The files of each series, looked for when one is first asked for."""

    def __init__(self, paths: Sequence[Path]):
        """Takes DICOM files."""
        self._paths = paths
        self._found: dict[str, list[Path]] | None = None
        self.ends: dict[str, Ends] = {}

    def __call__(self, uid: str) -> list[Path]:
        """The files of a series, one of each image, in the order of their SOPInstanceUIDs."""
        if self._found is None:
            by_uid: dict[str, dict[str, Path]] = {}
            for path in self._paths:
                if names := _names(path):
                    by_uid.setdefault(names[0], {}).setdefault(names[1], path)
            self._found = {series: [each[name] for name in sorted(each)] for series, each in by_uid.items()}
        return self._found.get(uid, [])


def _names(path: Path) -> tuple[str, str] | None:
    try:
        with path.open("rb") as file:
            data = begin(file, last=_SERIES_UID)
            return str(data.get("SeriesInstanceUID") or ""), instance_uid(data)
    except Exception:
        # What is no DICOM file is of no series: pydicom raises all sorts of things.
        return None


def check_grey(path: Path, data: pydicom.Dataset, is_axial: bool | None, mistakes: Mistakes) -> list[Doubt]:
    """Checks what the header of another image than a CT must say besides; as `hounsfield.check_ct`."""
    if value(path, data, "PhotometricInterpretation") not in ("MONOCHROME1", "MONOCHROME2"):
        mistakes.add(str(refusal(path, data, "PhotometricInterpretation", "only MONOCHROME1 and 2 can be used")))
    for field in ("RescaleSlope", "RescaleIntercept"):
        if field in data:
            with mistakes.collected():
                if numbers(path, data, field, 1, "it must be one number")[0] <= 0 and field == "RescaleSlope":
                    raise refusal(path, data, field, "it must be one number above 0")
    doubts = [Doubt("grey_scale", f"{path} is {data.Modality}")]
    if data.Modality == "PT":
        doubts.append(Doubt("uptake", f"{path} is PET"))
    if is_axial is False:
        doubts.append(Doubt("plane", f"{path} is no axial slice by its ImageOrientationPatient"))
    return doubts


def load_grey(path: Path, data: pydicom.Dataset, frame: int, series: SeriesFiles | None) -> np.ndarray:
    """int16 [R, C], grey values in `grey_scale.VALUE_RANGE`.

    Args:
      path: For messages.
      data: The file.
      frame: Number of the image in the file, from 0.
      series: Knows the other files of its series; None takes the range of this image alone.
    """
    values = _values(path, data, frame)
    uid = str(value(path, data, "SeriesInstanceUID") or "")
    # Anonymisers empty it: then nothing says what belongs together.
    if series is None or not uid:
        return to_grey(values, _ends(path, [values]))
    if uid not in series.ends:
        series.ends[uid] = _ends(path, list(_images(series(uid), str(data.Modality))) or [values])
    return to_grey(values, series.ends[uid])


def _ends(path: Path, images: Sequence[np.ndarray]) -> Ends:
    try:
        return find_ends(images)
    except DataError as error:
        raise DataError(f"{path}: {error}, here and in its series; export it again.") from error


def _images(paths: Sequence[Path], modality: str) -> Iterator[np.ndarray]:
    """Numbers of images of a series, evenly chosen; what cannot be read is of no concern here."""
    for path in paths[:: -(-len(paths) // _MOST_IMAGES) or 1]:
        try:
            data = read_file(path)
            if data.Modality == modality:
                count = int(data.get("NumberOfFrames") or 1)
                for frame in range(0, count, -(-count * len(paths) // _MOST_IMAGES) or 1):
                    yield _values(path, data, frame)
        except Exception:
            # A file that no row names ends no build: pydicom raises all sorts of things.
            continue


def _values(path: Path, data: pydicom.Dataset, frame: int) -> np.ndarray:
    """float64 [R, C] by the header's modality LUT or rescale, bright where the image is; NaN is padding."""
    take_frame(path, data, frame + 1)
    stored = load_stored(path, data, frame)
    values = rescaled(stored, data)
    values[is_padding(data, stored)] = np.nan
    return -values if data.PhotometricInterpretation == "MONOCHROME1" else values
