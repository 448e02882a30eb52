"""Folders with links, and what the system does not let us read: told, and never a traceback."""

import errno
import os

import nibabel
import numpy as np
import pytest
from PIL import Image

from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.files import list_files, walk_files

POINTS = "file,patient,spacing_mm,row,column,diameter_mm,label"


@pytest.fixture
def save(tmp_path):
    def write(name, seed):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.default_rng(seed).integers(0, 256, (20, 20)).astype(np.uint8)).save(path)
        return path

    return write


@pytest.fixture
def forbid(monkeypatch):
    """Answers as the system answers whoever may not look at paths of a name; root may look everywhere."""

    def answer(*names):
        def refusing(ask):
            def refused(path=".", *args, **kwargs):
                if isinstance(path, str | os.PathLike) and os.fspath(path).endswith(names):
                    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), os.fspath(path))
                return ask(path, *args, **kwargs)

            return refused

        for name in ("stat", "lstat", "scandir"):
            monkeypatch.setattr(os, name, refusing(getattr(os, name)))

    return answer


def test_a_class_keeps_the_name_of_its_folder_whatever_links_lead_there(save, tmp_path):
    save("pneumonia/a.png", 0)
    save("normal/b.png", 1)
    # Sorts before the folder that it leads to.
    (tmp_path / "in" / "inflamed").symlink_to("pneumonia")
    (tmp_path / "in" / "normal" / "loop").symlink_to("..")
    (tmp_path / "elsewhere").mkdir()
    save("../elsewhere/c.png", 2)
    (tmp_path / "in" / "tumour").symlink_to(tmp_path / "elsewhere")
    notes = []
    found = read_lesions(tmp_path / "in", source="images", note=notes.append)
    assert found.class_names == ("normal", "pneumonia", "tumour") and len(found.lesions) == 3
    assert [note[:30] for note in notes if "links" in note] == ["2 links to folders that are re"]


def test_folders_that_link_to_each_other_are_walked_once(tmp_path):
    for i in range(12):
        (tmp_path / f"{i}").mkdir()
        (tmp_path / f"{i}" / "file").touch()
        for j in range(12):
            (tmp_path / f"{i}" / f"to{j}").symlink_to(f"../{j}")
    again, unread = [], []
    found = list(walk_files(tmp_path, unread.append, again.append))
    assert (
        sorted(found) == [tmp_path / name / "file" for name in sorted(map(str, range(12)))]
        and len(again) == 144
        and not unread
    )


def test_what_may_not_be_entered_is_told(save, tmp_path, forbid):
    save("x/a.png", 0)
    save("y/b.png", 1)
    save("z/c.png", 2)
    forbid("in/z", "y/b.png")
    told = []
    assert [path.name for path in list_files(tmp_path / "in", told.append)] == ["a.png"]
    assert {path.name for path in told} == {"z", "b.png"}
    notes = []
    found = read_lesions(tmp_path / "in", source="images", note=notes.append)
    assert found.class_names == ("x",)
    assert notes[0] == "2 files or folders that cannot be read, and that no row names"
    for source in ("nifti", "seg"):
        with pytest.raises(DataError, match=r"\(2 files or folders cannot be read, such as .*(in/z|b.png)\)"):
            read_lesions(tmp_path / "in", source=source)
    forbid("a.png")
    with pytest.raises(DataError, match=r"holds no files that can be read \(3 files or folders cannot be read"):
        read_lesions(tmp_path / "in", source="images")


def test_a_mask_that_may_not_be_read_is_told(tmp_path, forbid):
    for i in range(2):
        values = np.random.default_rng(i).integers(0, 100, (40, 40, 5)).astype(np.int16)
        values[0] = -1000
        mask = np.zeros((40, 40, 5), np.uint8)
        mask[10:20, 10:20, 2] = 1
        nibabel.save(nibabel.Nifti1Image(values, np.eye(4)), tmp_path / f"volume-{i}.nii")
        nibabel.save(nibabel.Nifti1Image(mask, np.eye(4)), tmp_path / f"segmentation-{i}.nii")
    forbid("segmentation-1.nii")
    notes = []
    assert len(read_lesions(tmp_path, source="nifti", note=notes.append).lesions) == 1
    assert "1 files or folders that cannot be read, and that no row names" in notes


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (POINTS, "{},P,1,9,9,5,x", "cannot be read: File name too long; the csv's `file` is relative"),
        ("image,mask,patient", "{},b.nii,P", "cannot be read: File name too long; image and mask are relative"),
        ("file,patient", "{},P", "line 2: n+.png is no image below"),
        ("segmentation,patient", "{},P", "line 2: n+.png is none of the DICOM segmentations below"),
        (
            "file_name,patient_index,bounding_boxes,lesion_diameters_pixel,spacing_mm_px,coarse_lesion_type",
            '{},1,"9,9,19,19","9,9","1,1,1",4',
            "cannot be read: File name too long; add the slice or remove its rows",
        ),
    ],
)
def test_a_name_that_is_too_long_for_the_system_is_refused(save, tmp_path, header, row, message):
    save("x/a.png", 0)
    csv = tmp_path / "rows.csv"
    csv.write_text("\n".join((header, row.format("n" * 300 + ".png"))) + "\n")
    source = {"file,patient": "images"}.get(header, "auto")
    with pytest.raises(DataError, match=message):
        read_lesions(tmp_path / "in", csv, source=source)


def test_a_named_file_that_may_not_be_read_is_not_said_to_be_missing(save, tmp_path, forbid):
    save("a.png", 0)
    (tmp_path / "in" / "folder.png").mkdir()
    csv = tmp_path / "rows.csv"
    csv.write_text(f"{POINTS}\na.png,P,1,9,9,5,x\nfolder.png,P,1,9,9,5,x\nnone.png,P,1,9,9,5,x\n")
    save("b.png", 1)
    forbid("a.png")
    with pytest.raises(DataError) as caught:
        read_lesions(tmp_path / "in", csv)
    for told in ("a.png cannot be read: Permission denied;", "folder.png is no file;", "none.png does not exist;"):
        assert told in str(caught.value)
