"""Names, dates, numbers and UIDs of headers, csv, files and folders are in no byte of a dataset or a contact sheet."""

import gzip
import logging
import re
import zipfile

import nibabel
import numpy as np
import pydicom
import pytest
from PIL import Image, PngImagePlugin

from lesion_jax.commands import main
from tests.data.planted import plant, search
from tests.sources.conftest import make_ct
from tests.sources.seg_writer import outline, write_rtstruct, write_seg

WORDS = [f"Zqx{word}" for word in ("Folder", "File", "Csv", "Column", "Patient", "Note")]


def _slices(folder, num=4, **changes):
    """Studies below folders with names, every field of their headers planted; the slices and all that was planted."""
    slices, planted = [], []
    for index in range(num):
        path = folder / f"ZqxFolder{index}" / f"ZqxFile{index}"
        path.parent.mkdir(parents=True)
        uid = f"1.2.826.0.1.888.9{index}777"
        names = ("StudyInstanceUID", "SeriesInstanceUID", "FrameOfReferenceUID")
        shared = {"SOPInstanceUID": uid} | dict.fromkeys(names, f"1.2.826.0.1.999.9{index}123")
        pixels = np.random.default_rng(index).integers(0, 100, (40, 50)).astype(np.int16)
        data = make_ct(pixels, uid=uid, ImagePositionPatient=[0, 0, 0], **changes)
        planted += [uid, *plant(data, index, shared)]
        pydicom.dcmwrite(path, data)
        slices.append(data)
    return slices, planted


def _csv(folder, columns, rows):
    path = folder / "ZqxCsv.csv"
    path.write_text("\n".join([f"{columns},ZqxColumn,site", *(f"{row},ZqxNote born 19430917,ZqxSite" for row in rows)]))
    return [f"--annotations={path}", "--tags=site"], ["19430917"]


def _dicom(folder, **changes):
    slices, planted = _slices(folder / "in", **changes)
    rows = [f"{one.SOPInstanceUID},20,25,6,{'ab'[i % 2]}" for i, one in enumerate(slices)]
    words, more = _csv(folder, "sop_instance_uid,row,column,diameter_mm,label", rows)
    return words, planted + more


def _mr(folder):
    return _dicom(folder, Modality="MR", RescaleSlope=None, RescaleIntercept=None)


def _outlines(folder, write):
    slices, planted = _slices(folder / "in")
    for index, one in enumerate(slices):
        mask = np.zeros((1, 40, 50), bool)
        mask[0, 12:20, 22:31] = True
        path = write(folder / "in" / f"ZqxFile_outline{index}", [one], mask, "ab"[index % 2])
        data = pydicom.dcmread(path)
        planted += plant(
            data, 10 + index, {"FrameOfReferenceUID": one.FrameOfReferenceUID, "SOPInstanceUID": "1.2.3.4"}
        )
        data.save_as(path)
    return planted


def _seg(folder):
    planted = _outlines(folder, lambda path, slices, mask, label: write_seg(path, slices, {label: mask}))
    return ["--source=seg", "--labels=a,b"], planted


def _rtstruct(folder):
    def write(path, slices, mask, label):
        return write_rtstruct(path, slices, {label: [(0, outline(mask[0]))]})

    return ["--source=rtstruct", "--labels=a,b"], _outlines(folder, write)


def _images(folder):
    for index in range(4):
        place = folder / "in" / "ab"[index % 2] / f"ZqxPatient{index}"
        place.mkdir(parents=True)
        pixels = np.random.default_rng(index).integers(0, 256, (28, 28)).astype(np.uint8)
        text = PngImagePlugin.PngInfo()
        text.add_text("Patient", "ZqxNote")
        Image.fromarray(pixels).save(place / f"ZqxFile{index}.png", pnginfo=text)
    return ["--source=images"], []


def _nifti(folder):
    for index in range(4):
        values = np.random.default_rng(index).integers(0, 100, (40, 40, 3)).astype(np.int16)
        values[:, 0] = -1000
        mask = np.zeros((40, 40, 3), np.uint8)
        mask[15:22, 20:26, 1] = 1 + index % 2
        for name, array in (("imagesTr", values), ("labelsTr", mask)):
            image = nibabel.Nifti1Image(array, np.diag([-0.8, -0.8, 3, 1]))
            for field in ("descrip", "db_name", "aux_file", "intent_name"):
                image.header[field] = b"ZqxNote 19430917"
            path = folder / "in" / name / f"ZqxPatient{index}.nii.gz"
            path.parent.mkdir(parents=True, exist_ok=True)
            # gzip has a name of its own.
            with path.open("wb") as file, gzip.GzipFile("ZqxFile", "wb", fileobj=file) as packed:
                packed.write(image.to_bytes())
    return ["--source=nifti", "--labels=1=a,2=b"], ["19430917"]


def _png(folder):
    (folder / "in" / "ZqxFolder").mkdir(parents=True)
    rows = []
    for index in range(4):
        pixels = np.random.default_rng(index).integers(0, 100, (40, 50)) + 32768
        Image.fromarray(pixels.astype(np.uint16)).save(folder / "in" / f"ZqxFolder/ZqxFile{index}.png")
        rows.append(f"ZqxFolder/ZqxFile{index}.png,ZqxPatient{index},0.8,20,25,6,{'ab'[index % 2]}")
    return _csv(folder, "file,patient,spacing_mm,row,column,diameter_mm,label", rows)


def _npz(folder):
    images = np.random.default_rng(0).integers(0, 256, (4, 28, 28)).astype(np.uint8)
    path = folder / "in" / "ZqxFile.npz"
    path.parent.mkdir()
    notes = {"ZqxColumn": np.array(["ZqxNote 19430917"]), "patients": np.array([f"ZqxPatient{n}" for n in range(4)])}
    np.savez_compressed(path, train_images=images, train_labels=np.arange(4) % 2, **notes)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = b"ZqxNote"
    path.rename(folder / "ZqxFile.npz")
    return ["--source=npz", f"--input={folder / 'ZqxFile.npz'}"], ["19430917"]


def _deeplesion(folder):
    # Patient, study and series.
    series = [f"00001{6 + index}_43_09" for index in range(4)]
    rows = []
    for index in range(4):
        pixels = np.random.default_rng(index).integers(0, 100, (40, 50)) + 32768
        (folder / "in" / series[index]).mkdir(parents=True)
        Image.fromarray(pixels.astype(np.uint16)).save(folder / "in" / series[index] / f"{917 + index}.png")
        numbers = '"20, 15, 32, 27","9.5, 4","0.8, 0.8, 5"'
        rows.append(f"{series[index]}_{917 + index}.png,ZqxPatient{index},{numbers},{4 + index % 2},19430917,ZqxNote")
    columns = (
        "file_name,Patient_index,Bounding_boxes,Lesion_diameters_Pixel_,Spacing_mm_px_,Coarse_lesion_type,day,note"
    )
    words, planted = _csv(folder, columns, rows)
    return words, [*planted, *series]


# Outlines are read beside the same slices either way, and MR as CT is.
@pytest.mark.parametrize(
    "write",
    [
        *(_dicom, _seg, _images, _nifti, _png, _npz, _deeplesion),
        *(pytest.param(f, marks=pytest.mark.slow) for f in (_mr, _rtstruct)),
    ],
    ids=lambda write: write.__name__,
)
def test_nothing_that_names_a_patient_is_in_any_byte(tmp_path, capsys, caplog, write):
    words, planted = write(tmp_path)
    command = ["build", f"--input={tmp_path / 'in'}", "--num_folds=2", *words]
    with caplog.at_level(logging.INFO):
        assert main([*command, f"--out={tmp_path / 'out'}"]) == 0
        shown = [f"--contact_sheet={tmp_path / 'sheet'}", f"--refusals={tmp_path / 'sheet.csv'}"]
        assert main([*command, "--dry_run", *shown]) == 0
    assert search(tmp_path / "out", [*planted, *WORDS]) == {}
    assert search(tmp_path / "sheet", [*planted, *WORDS]) == {}
    # Messages name the user's files; the values of headers and the other columns they never do, but for scanners.
    said, told = capsys.readouterr(), tmp_path / "told"
    told.mkdir()
    (told / "all").write_text("\n".join([said.out, said.err, caplog.text]))
    scanners = {word for word in planted if re.fullmatch("Zqx\\d+(00080070|00081090)", word)}
    assert search(told, list({*planted, "ZqxNote", "ZqxColumn"} - scanners)) == {}
    if "--tags=site" in words:
        # The search finds what is there.
        assert {"README.md", "card.json", "lesions.safetensors"} <= set(search(tmp_path / "out", ["ZqxSite"]))
        assert any(name.startswith("lesions/") for name in search(tmp_path / "out", ["ZqxSite"]))


def test_refusals_of_damaged_studies_say_nothing_of_whose_they_are(tmp_path, capsys, caplog):
    words, planted = _dicom(tmp_path, RescaleSlope=None, PixelSpacing=[0, 1])
    path = next((tmp_path / "in").rglob("ZqxFile3"))
    path.write_bytes(path.read_bytes()[:-300])
    assert main(["build", f"--input={tmp_path / 'in'}", f"--out={tmp_path / 'out'}", *words]) == 2
    text = capsys.readouterr().err + caplog.text
    # The UIDs that the csv names are the user's own.
    own = {word for word in planted if word.startswith("1.2.826.0.1.888.")}
    assert "RescaleSlope is missing" in text and "ZqxFile2" in text
    assert [word for word in planted if word in text and word not in own] == []


def test_the_search_opens_what_is_packed(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"an old Zqx1"))
    np.savez_compressed(tmp_path / "b.npz", text=np.frombuffer(b"an old Zqx2", np.uint8))
    picture = PngImagePlugin.PngInfo()
    picture.add_text("note", "an old Zqx3", zip=True)
    Image.new("L", (4, 4)).save(tmp_path / "c.png", pnginfo=picture)
    (tmp_path / "d").write_bytes("Zqx4".encode("utf-16-le"))
    words = [f"Zqx{number}" for number in range(1, 5)]
    assert search(tmp_path, words) == {name: [f"Zqx{n}"] for n, name in enumerate(["a.gz", "b.npz", "c.png", "d"], 1)}
