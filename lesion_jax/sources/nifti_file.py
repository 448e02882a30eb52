"""One NIfTI file as axial slices, whatever its orientation.

What comes out lies as DICOM's axial slices do: rows run from front to back, columns from the patient's right to left,
slices from foot to head.

Imports nibabel: import it late.
"""

import dataclasses
import gzip
import io
import math
import zlib
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from nibabel import orientations
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError

from lesion_jax.errors import DataError

_GZIP = b"\x1f\x8b"
_MOST_BYTES = 1 << 30
_AT_ONCE = 1 << 20
# Behind the header, whether something stands before the voxels.
_FLAG_BYTES = 4
# Same as for DICOM: cosine of the largest tilt against the body's axis.
_MIN_AXIAL = 0.86
# Of a sagittal or coronal series, axial slices have pixels as long as its slices are thick.
_MOST_ELONGATED = 2.0
# A voxel's sides, and its volume as a share of that of a box with such sides.
_VOXEL_MM = (0.01, 50.0)
_LEAST_VOLUME = 0.1
_MM = {"unknown": 1.0, "mm": 1.0, "meter": 1000.0, "micron": 0.001}
# Labels that were stored as fractions of a scale come back with its rounding.
_ROUNDING = 1e-3
_HIGHEST_LABEL = 0xFFFF
# Of a voxel's side: what converters' rounding makes of one size.
_SAME_SIZE = 0.02


@dataclasses.dataclass(frozen=True, eq=False)
class Grid:
    """Where the voxels of a volume lie.

    Attributes:
      path: Its file.
      shape: (slices, rows, columns).
      affine: [4, 4] float64, from (slice, row, column) indices to mm to the patient's (right, front, head).
      says_orientation: Whether the header says how the patient lies, and in one way.
      says_size: Whether it says in one way how large voxels are.
    """

    path: Path
    shape: tuple[int, int, int]
    affine: np.ndarray
    says_orientation: bool
    says_size: bool

    @property
    def spacing_mm(self) -> tuple[float, float]:
        """(row, column) distance between pixel centres, mm."""
        # The affine has 32 bits; the shortest decimal numbers that they stand for are DICOM's, to the bit.
        rows, columns = (float(str(np.float32(np.linalg.norm(self.affine[:3, axis])))) for axis in (1, 2))
        return rows, columns


@dataclasses.dataclass(frozen=True, eq=False)
class Volume:
    """A volume in the orientation of this module.

    Attributes:
      grid: Where its voxels lie.
      stored: [S, R, C] as stored, any numeric dtype.
      slope: Multiplies what is stored.
      intercept: Is added to that.
    """

    grid: Grid
    stored: np.ndarray
    slope: float
    intercept: float

    def slice(self, index: int) -> np.ndarray:
        """float64 [R, C] of one axial slice, scaled as the header says."""
        # What is no number then, whoever takes the slice refuses.
        with np.errstate(all="ignore"):
            return self.stored[index].astype(np.float64) * self.slope + self.intercept


def load_volume(path: Path) -> Volume:
    """Reads a volume that has axial slices.

    Args:
      path: A NIfTI-1 or NIfTI-2 file, perhaps gzipped.

    Raises:
      DataError: Not such a file, damaged, not of three dimensions, or not of axial slices.
    """
    try:
        # What a damaged header makes infinite is refused by name.
        with path.open("rb") as file, np.errstate(all="ignore"):
            is_packed = file.read(2) == _GZIP
            file.seek(0)
            return _load(path, cast(BinaryIO, gzip.GzipFile(fileobj=file)) if is_packed else file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} is damaged ({_one_line(error)}); copy it again.") from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror or error}; copy it again.") from error


def load_labels(path: Path) -> tuple[Grid, np.ndarray]:
    """Reads a mask: a volume of whole numbers.

    Args:
      path: As for `load_volume`.

    Returns:
      Where its voxels lie, and its labels, uint8 or uint16 [S, R, C].

    Raises:
      DataError: As for `load_volume`, or its numbers are no labels.
    """
    volume = load_volume(path)
    labels = np.zeros(volume.stored.shape, np.uint8 if volume.stored.dtype.itemsize == 1 else np.uint16)
    are_whole = volume.stored.dtype.kind in "iu" and (volume.slope, volume.intercept) == (1.0, 0.0)
    for index in range(len(labels)):
        values = volume.stored[index] if are_whole else volume.slice(index)
        whole = values if are_whole else np.rint(values)
        if not are_whole and not (np.isfinite(values).all() and np.abs(values - whole).max() <= _ROUNDING):
            raise DataError(f"{path} is no mask: it has values between whole numbers; write one label a voxel.")
        if whole.min() < 0 or whole.max() > np.iinfo(labels.dtype).max:
            raise DataError(
                f"{path} is no mask: its values go from {whole.min():g} to {whole.max():g}; write labels from 0 to "
                f"{_HIGHEST_LABEL}."
            )
        labels[index] = whole
    return volume.grid, labels


def check_same_grid(mask: Grid, image: Grid) -> None:
    """Checks that a mask's voxels are the image's.

    Raises:
      DataError: Other shape, or another place in the patient.
    """
    if mask.shape != image.shape:
        shapes = [" x ".join(map(str, grid.shape)) for grid in (mask, image)]
        raise DataError(
            f"{mask.path} has {shapes[0]} voxels (slices, rows, columns), but its volume {image.path} has {shapes[1]}; "
            "resample the mask to the volume."
        )
    last = np.array(image.shape) - 1
    corners = np.array(np.meshgrid(*[[0, end] for end in last], [1])).reshape(4, -1)
    away = np.linalg.norm(((mask.affine - image.affine) @ corners)[:3], axis=0).max()
    if away > 0.1 * min(np.linalg.norm(image.affine[:3, :3], axis=0)):
        raise DataError(
            f"{mask.path} lies up to {away:.3g} mm away from its volume {image.path} by their affines; resample the "
            "mask to the volume, or copy the volume's affine if only the header is wrong."
        )


@dataclasses.dataclass(frozen=True)
class _Header:
    shape: tuple[int, ...]
    dtype: np.dtype
    skip: int
    slope: float
    intercept: float
    to_ras: np.ndarray
    says_orientation: bool
    says_size: bool


def _load(path: Path, file: BinaryIO) -> Volume:
    try:
        header = _read_header(path, file)
    # nibabel has several errors for what a header cannot say, and numpy others.
    except (HeaderDataError, WrapStructError, KeyError, OverflowError, ValueError) as error:
        raise DataError(f"{path} is not a whole NIfTI file ({_one_line(error)}); convert it again.") from error
    shape, dtype = header.shape, header.dtype
    while len(shape) > 3 and shape[-1] == 1:
        shape = shape[:-1]
    sizes = " x ".join(map(str, shape))
    if len(shape) != 3 or min(shape) < 1:
        raise DataError(f"{path} has {len(shape)} dimensions ({sizes}); write one volume of three dimensions.")
    if dtype.kind not in "iuf":
        raise DataError(f"{path} has voxels of type {dtype.name}; write it with one number a voxel.")
    if (size := math.prod(shape) * dtype.itemsize) > _MOST_BYTES:
        raise DataError(
            f"{path} holds {sizes} voxels in {size >> 20} MiB, more than {_MOST_BYTES >> 20}; write it with 16 bits a "
            "voxel."
        )
    _skip(file, header.skip)
    data = memoryview(bytearray(size))
    filled = 0
    while filled < size:
        if not (got := cast(io.BufferedIOBase, file).readinto(data[filled : filled + _AT_ONCE])):
            raise DataError(f"{path} is cut short: {filled} of {size} bytes of voxels are there; copy it again.")
        filled += got
    # To the end, where gzip has its checksum.
    if rest := _skip(file, _MOST_BYTES):
        raise DataError(f"{path} has {rest} bytes after the voxels that its header describes; convert it again.")
    return _oriented(path, header, np.ndarray(shape, dtype, buffer=data, order="F"))


def _skip(file: BinaryIO, count: int) -> int:
    """How many bytes there were, up to `count`."""
    left = count
    while left > 0 and (got := len(file.read(min(left, _AT_ONCE)))):
        left -= got
    return count - left


def _read_header(path: Path, file: BinaryIO) -> _Header:
    begin = file.read(4)
    is_second = 540 in (int.from_bytes(begin, order) for order in ("little", "big"))
    kind = Nifti2Header if is_second else Nifti1Header
    block = begin + file.read(kind.template_dtype.itemsize - 4)
    header = kind(block, check=False)
    if bytes(header["magic"])[:3] not in (b"n+1", b"n+2"):
        raise DataError(f"{path} is no NIfTI file of header and voxels in one; convert it to .nii.gz.")
    _check_scale(path, header)
    offset, least = float(header["vox_offset"]), len(block) + _FLAG_BYTES
    if not (offset >= least and offset % 1 == 0):
        raise DataError(f"{path}: vox_offset is {offset:g}; voxels begin at {least} or behind it: convert it again.")
    slope, intercept = header.get_slope_inter()
    forms = [header.get_sform(coded=True)[0], header.get_qform(coded=True)[0]]
    to_ras = np.array(header.get_best_affine(), np.float64)
    zooms = np.array(header.get_zooms()[:3], np.float64)
    lengths = np.linalg.norm(to_ras[:3, : len(zooms)], axis=0)
    to_ras[:3] *= _MM[str(header.get_xyzt_units()[0])]
    return _Header(
        shape=tuple(map(int, header.get_data_shape())),
        dtype=header.get_data_dtype(),
        skip=int(offset) - len(block),
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        to_ras=to_ras,
        says_orientation=_agree([form for form in forms if form is not None]),
        says_size=np.allclose(zooms, lengths, rtol=_SAME_SIZE),
    )


def _check_scale(path: Path, header: Nifti1Header) -> None:
    """Refuses a scale that no number of a body comes through; 0 and NaN stand for none."""
    slope, intercept = (float(header[field]) for field in ("scl_slope", "scl_inter"))
    if slope < 0 or math.isinf(slope) or (slope > 0 and not math.isfinite(intercept)):
        raise DataError(
            f"{path}: scl_slope is {slope:g} and scl_inter {intercept:g}; they must be a number above 0 and a number: "
            "convert it again."
        )


def _oriented(path: Path, header: _Header, stored: np.ndarray) -> Volume:
    to_ras = header.to_ras
    lengths = np.linalg.norm(to_ras[:3, :3], axis=0)
    low, high = _VOXEL_MM
    if not (np.isfinite(to_ras).all() and lengths.min() >= low and lengths.max() <= high):
        sizes = " x ".join(f"{value:.3g}" for value in lengths)
        raise DataError(
            f"{path} has voxels of {sizes} mm by its affine; of a patient they are {low:g} to {high:g} mm: convert it "
            "again from the original."
        )
    if abs(np.linalg.det(to_ras[:3, :3] / lengths)) < _LEAST_VOLUME:
        raise DataError(f"{path}: its affine's axes lie in one plane; convert it again from the original.")
    # To axes that run to the patient's left, back and head.
    turn = orientations.ornt_transform(orientations.io_orientation(to_ras), orientations.axcodes2ornt("LPS"))
    affine = to_ras @ orientations.inv_ornt_aff(turn, stored.shape)
    stored = orientations.apply_orientation(stored, turn).transpose(2, 1, 0)
    grid = Grid(path, stored.shape, affine[:, [2, 1, 0, 3]], header.says_orientation, header.says_size)
    _check_axial(grid)
    return Volume(grid, stored, header.slope, header.intercept)


def _check_axial(grid: Grid) -> None:
    _, down, across = grid.affine[:3, :3].T
    normal = np.cross(across, down) / np.prod(grid.spacing_mm)
    if abs(normal[2]) < _MIN_AXIAL or max(grid.spacing_mm) > _MOST_ELONGATED * min(grid.spacing_mm):
        spacing = " x ".join(f"{value:.3g}" for value in grid.spacing_mm)
        raise DataError(
            f"{grid.path} has no axial slices: the nearest to them have pixels of {spacing} mm and are tilted by "
            f"{math.degrees(math.acos(min(1.0, abs(normal[2])))):.0f} degrees; use an axial series."
        )


def _agree(forms: list[np.ndarray]) -> bool:
    """Whether there is a form that is coded, and if two are, whether they place the axes alike."""
    return bool(forms) and len({orientations.aff2axcodes(form) for form in forms}) == 1


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
