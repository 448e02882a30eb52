"""One small input of every kind of source, for `mutated_files.py`."""

import csv
import dataclasses
import gzip
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from from_tests import item, jpeg_lossless, make_ct, outline, write_rtstruct, write_seg
from PIL import Image
from pydicom import dcmwrite, encaps
from pydicom.dataset import FileDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    RLELossless,
)

_DICOM = ("sop_instance_uid", "row", "column", "diameter_mm", "label")
_PNG = ("file", "patient", "spacing_mm", "row", "column", "diameter_mm", "label")


@dataclasses.dataclass(frozen=True)
class Input:
    """What is read, and what is damaged.

    Attributes:
      folder: --input.
      files: Those that are damaged.
      annotations: The csv; None without one.
      source: Key of `SOURCES`.
      labels: As --labels.
    """

    folder: Path
    files: Sequence[Path]
    annotations: Path | None
    source: str
    labels: Sequence[str] = ()

    def read(self, read_lesions: Callable[..., Any]) -> Any:
        """The lesions."""
        return read_lesions(self.folder, self.annotations, source=self.source, labels=self.labels)


def _write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([columns, *rows])
    return path


def _slices(
    folder: Path, change: Callable[[FileDataset], None] = lambda data: None, **fields: Any
) -> list[FileDataset]:
    folder.mkdir()
    slices = []
    for index in range(4):
        pixels = np.random.default_rng(index).integers(0, 100, (40, 50)).astype(np.int16)
        data = make_ct(pixels, uid=f"1.1.{index}", **{
            "PatientID": f"P{index // 2}", "StudyInstanceUID": f"4.{index // 2}",
            "SeriesInstanceUID": f"2.{index // 2}",
            "FrameOfReferenceUID": f"3.{index // 2}", "ImagePositionPatient": [-10, -20, 2 * index], **fields,
        })  # fmt: skip
        change(data)
        dcmwrite(folder / f"{index}.dcm", data)
        slices.append(data)
    return slices


def _marked(folder: Path, slices: Sequence[FileDataset], **fields: Any) -> Input:
    rows = [(one.SOPInstanceUID, 20, 25.5, 6, "ab"[index % 2]) for index, one in enumerate(slices)]
    marks = _write_csv(folder / "lesions.csv", _DICOM, rows)
    return Input(folder / "in", sorted((folder / "in").iterdir()), marks, "dicom", **fields)


def _dicom(folder: Path) -> Input:
    return _marked(folder, _slices(folder / "in"))


def _big_endian(folder: Path) -> Input:
    def change(data: FileDataset) -> None:
        data.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
        data.PixelData = np.frombuffer(data.PixelData, "<i2").byteswap().tobytes()

    return _marked(folder, _slices(folder / "in", change))


def _mr(folder: Path) -> Input:
    return _marked(folder, _slices(folder / "in", Modality="MR", RescaleSlope=None, RescaleIntercept=None))


def _compressed(syntax: str) -> Callable[[Path], Input]:
    def change(data: FileDataset) -> None:
        data.compress(syntax, generate_instance_uid=False)

    return lambda folder: _marked(folder, _slices(folder / "in", change))


def _jpeg_lossless(folder: Path) -> Input:
    def change(data: FileDataset) -> None:
        stored = np.frombuffer(data.PixelData, "<i2").reshape(data.Rows, data.Columns)
        data.file_meta.TransferSyntaxUID = JPEGLosslessSV1
        data.PixelData = encaps.encapsulate([jpeg_lossless.encode(stored, 16, 1)])
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True

    return _marked(folder, _slices(folder / "in", change))


def _deflated(folder: Path) -> Input:
    def change(data: FileDataset) -> None:
        data.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian

    return _marked(folder, _slices(folder / "in", change))


def _enhanced(folder: Path) -> Input:
    (folder / "in").mkdir()
    groups = [
        item(PixelValueTransformationSequence=[item(RescaleSlope=1, RescaleIntercept=-1024 - index)])
        for index in range(3)
    ]
    shared = item(
        PixelMeasuresSequence=[item(PixelSpacing=[0.6, 0.7])],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[1, 0, 0, 0, 1, 0])],
    )
    pixels = np.random.default_rng(0).integers(0, 100, (3, 40, 50)) + 1024
    data = make_ct(
        NumberOfFrames=3,
        PixelSpacing=None,
        ImageOrientationPatient=None,
        RescaleSlope=None,
        RescaleIntercept=None,
        PerFrameFunctionalGroupsSequence=Items(groups),
        SharedFunctionalGroupsSequence=Items([shared]),
        PixelData=pixels.astype("<i2").tobytes(),
    )
    dcmwrite(folder / "in" / "enhanced", data)
    rows = [("1.2.3", frame, 20, 25, 6, "ab"[frame % 2]) for frame in (1, 2, 3)]
    marks = _write_csv(folder / "lesions.csv", ("sop_instance_uid", "frame", *_DICOM[1:]), rows)
    return Input(folder / "in", [folder / "in" / "enhanced"], marks, "dicom")


def _mask() -> np.ndarray:
    mask = np.zeros((4, 40, 50), bool)
    mask[1:3, 10:18, 20:29] = True
    return mask


def _seg(folder: Path) -> Input:
    slices = _slices(folder / "in", FrameOfReferenceUID="3", SeriesInstanceUID="2", PatientID="P", StudyInstanceUID="4")
    path = write_seg(folder / "in" / "seg", slices, {"x": _mask()})
    return Input(folder / "in", [path, path, path, folder / "in" / "1.dcm"], None, "seg")


def _rtstruct(folder: Path) -> Input:
    slices = _slices(folder / "in", FrameOfReferenceUID="3", SeriesInstanceUID="2", PatientID="P", StudyInstanceUID="4")
    curves = {"x": [(index, outline(_mask()[index])) for index in (1, 2)]}
    path = write_rtstruct(folder / "in" / "rtstruct", slices, curves)
    return Input(folder / "in", [path, path, path, folder / "in" / "1.dcm"], None, "rtstruct")


def _nifti(suffix: str) -> Callable[[Path], Input]:
    def make(folder: Path) -> Input:
        values = np.random.default_rng(0).integers(0, 100, (40, 40, 5)).astype(np.int16)
        values[:, 0] = -1000
        mask = np.zeros((40, 40, 5), np.uint8)
        mask[10:16, 20:24, 2:4] = 1
        files = []
        for name, array in (("imagesTr", values), ("labelsTr", mask)):
            path = folder / "in" / name / f"a{suffix}"
            path.parent.mkdir(parents=True)
            content = nibabel.Nifti1Image(array, np.diag([-0.8, -0.8, 3, 1])).to_bytes()
            path.write_bytes(gzip.compress(content, mtime=0) if suffix.endswith(".gz") else content)
            files.append(path)
        return Input(folder / "in", files, None, "nifti")

    return make


def _png(folder: Path) -> Input:
    (folder / "in").mkdir()
    rows = []
    for index in range(3):
        pixels = np.random.default_rng(index).integers(0, 100, (40, 50)) + 32768
        Image.fromarray(pixels.astype(np.uint16)).save(folder / "in" / f"{index}.png")
        rows.append((f"{index}.png", f"P{index}", 0.8, 20, 25.5, 6, "ab"[index % 2]))
    marks = _write_csv(folder / "lesions.csv", _PNG, rows)
    return Input(folder / "in", sorted((folder / "in").iterdir()), marks, "png")


def _images(suffix: str, **options: Any) -> Callable[[Path], Input]:
    def make(folder: Path) -> Input:
        files = []
        for index in range(3):
            path = folder / "in" / "ab"[index % 2] / f"{index}{suffix}"
            path.parent.mkdir(parents=True, exist_ok=True)
            pixels = np.random.default_rng(index).integers(0, 256, (28, 28, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(path, **options)
            files.append(path)
        return Input(folder / "in", files, None, "images")

    return make


def _npz(folder: Path) -> Input:
    draw = np.random.default_rng(0)
    arrays = {}
    for split in ("train", "test"):
        arrays[f"{split}_images"] = draw.integers(0, 256, (6, 12, 12)).astype(np.uint8)
        arrays[f"{split}_labels"] = np.array([[0], [1]] * 3)
    np.savez_compressed(folder / "a.npz", **arrays)
    return Input(folder / "a.npz", [folder / "a.npz"], None, "npz")


def _csv(folder: Path) -> Input:
    whole = _png(folder)
    assert whole.annotations
    return dataclasses.replace(whole, files=[whole.annotations])


KINDS: dict[str, Callable[[Path], Input]] = {
    "DICOM": _dicom,
    "DICOM, big-endian": _big_endian,
    "DICOM, MR": _mr,
    "DICOM, RLE": _compressed(RLELossless),
    "DICOM, deflated": _deflated,
    "DICOM, JPEG Lossless": _jpeg_lossless,
    "DICOM, JPEG 2000": _compressed(JPEG2000Lossless),
    "DICOM, enhanced": _enhanced,
    "DICOM SEG": _seg,
    "DICOM RTSTRUCT": _rtstruct,
    "NIfTI": _nifti(".nii"),
    "NIfTI, gzip": _nifti(".nii.gz"),
    "PNG": _png,
    "JPEG": _images(".jpg"),
    "TIFF": _images(".tif", compression="tiff_lzw"),
    "npz": _npz,
    "csv": _csv,
}
