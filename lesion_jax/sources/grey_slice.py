"""Pixels of MR and other modalities as grey values. Imports pydicom: import it late."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pydicom

from lesion_jax.errors import DataError
from lesion_jax.sources.dicom_file import begin, instance_uid, numbers, read_file, refusal, value
from lesion_jax.sources.dicom_frames import restored, take_frame
from lesion_jax.sources.dicom_pixels import is_padding, load_stored, rescaled
from lesion_jax.sources.grey_scale import PERCENTILE_RANGE, Ends, GreyRange, to_grey
from lesion_jax.sources.review import Doubt, Mistakes
from lesion_jax.sources.uptake import SUV_RANGE, suv_factor

MODALITIES = ("MR", "PT", "NM", "CR", "DX", "MG", "XA", "RF", "US")
# More images of a series tell the same.
_MOST_IMAGES = 40
_SERIES_UID = 0x0020000E


class SeriesFiles:
    """The files of each series, looked for when one is first asked for.

    Attributes:
      grey_range: What becomes the lowest and highest grey value; None leaves it to the modality.
      ends: The numbers that do, by series, as far as they were asked for.
    """

    def __init__(self, paths: Sequence[Path], grey_range: GreyRange | None = None):
        """Takes DICOM files, and `grey_range`."""
        self._paths = paths
        self.grey_range = grey_range
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
            return str(data.get("SeriesInstanceUID") or "").strip(), instance_uid(data)
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
    return [Doubt("plane", f"{path} is no axial slice by its ImageOrientationPatient")] if is_axial is False else []


def load_grey(
    path: Path, data: pydicom.Dataset, frame: int, series: SeriesFiles | None
) -> tuple[np.ndarray, list[Doubt], str]:
    """One image's grey values.

    Args:
      path: For messages.
      data: The file.
      frame: Number of the image in the file, from 0.
      series: Knows the other files of its series; None takes the range of this image alone.

    Returns:
      int16 [R, C], grey values in `grey_scale.VALUE_RANGE`; what is doubtful; its modality, with a word more where the
      numbers are uptake values, which do not go with others.
    """
    modality = str(data.Modality)
    values = _values(path, data, frame)
    is_suv = modality == "PT" and suv_factor(path, data) is not None
    asked = series.grey_range if series else None
    chosen = asked or (SUV_RANGE if is_suv else PERCENTILE_RANGE)
    uid = str(value(path, data, "SeriesInstanceUID") or "").strip()
    # Anonymisers empty it: then nothing says what belongs together.
    is_alone = chosen.are_percentiles and not uid
    found = ["grey_range"] if asked else ["suv"] if is_suv else [] if is_alone else ["grey_scale"]
    found += ["grey_alone"] * is_alone + ["uptake"] * (modality == "PT" and not is_suv)
    doubts = [Doubt(check, f"{path} is {modality}") for check in found]
    if series is None or not uid or not chosen.are_percentiles:
        ends = _ends(path, chosen, [values])
    else:
        if uid not in series.ends:
            series.ends[uid] = _ends(path, chosen, list(_images(series(uid), modality)) or [values])
        ends = series.ends[uid]
    return to_grey(values, ends), doubts, f"{modality} in SUVbw" if is_suv else modality


def _ends(path: Path, chosen: GreyRange, images: Sequence[np.ndarray]) -> Ends:
    try:
        return chosen.ends(images)
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
                    with restored(data):
                        values = _values(path, data, frame)
                    yield values
        except Exception:
            # A file that no row names ends no build: pydicom raises all sorts of things.
            continue


def _values(path: Path, data: pydicom.Dataset, frame: int) -> np.ndarray:
    """float64 [R, C] by the header's modality LUT or rescale, bright where the image is; NaN is padding.

    Of PET, SUVbw where the header says all that they take.
    """
    take_frame(path, data, frame + 1)
    stored = load_stored(path, data, frame)
    values = rescaled(stored, data)
    values[is_padding(data, stored)] = np.nan
    if data.Modality == "PT":
        values *= suv_factor(path, data) or 1.0
    return -values if data.PhotometricInterpretation == "MONOCHROME1" else values
