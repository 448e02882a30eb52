"""Folders of images by class: depths, colours, layouts, and what cannot be used."""

import os
import re

import numpy as np
import pytest
from PIL import Image

from lesion_jax.config.training import DataConfig
from lesion_jax.data.augment import NUM_VARIANTS, augmented, original
from lesion_jax.errors import ConfigError, DataError
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.picture import load_image
from lesion_jax.sources.refusals import refusals_to


@pytest.fixture
def save(tmp_path):
    def save_image(name, pixels, **options):
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, **options)
        return path

    return save_image


@pytest.fixture
def read(tmp_path):
    return lambda **options: read_lesions(tmp_path / "in", source="images", **options)


def grey(seed, shape=(20, 20)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_folders_are_classes_and_the_roi_is_the_image(save, read, tmp_path):
    save("normal/a.png", grey(0))
    save("normal/b.tif", grey(1))
    save("pneumonia/a.bmp", grey(2))
    (tmp_path / "in" / "normal" / "Thumbs.db").write_text("no image")
    found = read()
    assert found.class_names == ("normal", "pneumonia") and found.unit == "grey" and found.window == (0.0, 255.0)
    rois = {original(lesion, 20, DataConfig().margin).tobytes(): lesion.label for lesion in found.lesions}
    assert rois == {grey(i).astype(np.int16).tobytes(): label for i, label in enumerate((0, 0, 1))}
    assert len({lesion.patient for lesion in found.lesions}) == 3


def test_folders_below_a_class_are_patients_and_splits_are_tags(save, read):
    for i, name in enumerate(("train/x/P1/a.png", "train/x/P1/b.png", "train/y/P1/a.png", "test/x/P2/a.png")):
        save(name, grey(i))
    found = read()
    assert len({lesion.patient for lesion in found.lesions}) == 2 and found.class_names == ("x", "y")
    splits = sorted((lesion.tags["split"], lesion.patient) for lesion in found.lesions)
    assert [split for split, _ in splits] == ["test", "train", "train", "train"]
    assert len({patient for split, patient in splits if split == "train"}) == 1


def test_sixteen_bits_are_halved_and_not_mixed_with_eight(save, read):
    wide = np.arange(400, dtype=np.uint16).reshape(20, 20) * 164
    save("x/a.png", wide)
    notes = []
    found = read(note=notes.append)
    assert found.window == (0.0, 32767.0)
    np.testing.assert_array_equal(original(found.lesions[0], 20, 0.25), wide >> 1)
    assert "1 images of 16 bits, of which the highest 15 are kept" in notes
    save("x/b.png", grey(0))
    with pytest.raises(DataError, match="a dataset has one unit"):
        read()


def test_a_viewer_and_the_dataset_see_the_same(save):
    red = np.zeros((4, 6, 3), np.uint8)
    red[..., 0] = 255
    assert load_image(save("x/a.png", red))[0].shape == (4, 6, 3)
    turned = Image.Exif()
    # Turned by 90 degrees.
    turned[0x0112] = 6
    pixels, _, doubts = load_image(save("x/b.jpg", np.full((4, 6), 9, np.uint8), exif=turned))
    assert pixels.shape == (6, 4) and [doubt.check for doubt in doubts] == ["lossy"]
    flags = load_image(save("x/c.png", np.eye(5, dtype=bool)))[0]
    assert flags.max() == 255 and flags.shape == (5, 5)


def test_large_images_are_made_smaller_and_narrow_ones_reflected(save, read):
    save("x/a.png", np.repeat(np.linspace(0, 255, 600).astype(np.uint8)[None], 300, 0))
    notes = []
    (lesion,) = read(note=notes.append).lesions
    assert "1 images that were made smaller, to 128 pixels a side" in notes
    roi = original(lesion, 128, 0.25)
    # From left to right as before, and above and below the narrow image its own reflection.
    assert (np.diff(roi[64]) >= 0).all() and abs(int(roi[64, 64]) - 128) <= 2
    np.testing.assert_allclose(roi[0], roi[64], atol=1)
    assert augmented(lesion, range(NUM_VARIANTS), 16, 0.25, seed=0).shape == (480, 16, 16)


def test_all_files_that_cannot_be_used_are_named_at_once(save, read, tmp_path):
    save("x/good.png", grey(0))
    (tmp_path / "in" / "x" / "cut.png").write_bytes(save("x/whole.png", grey(1)).read_bytes()[:200])
    save("stray.png", grey(2))
    save("x/real.tif", np.zeros((4, 4), np.float32))
    pages = [Image.fromarray(grey(i)) for i in range(3)]
    pages[0].save(tmp_path / "in" / "x" / "pages.tif", save_all=True, append_images=pages[1:])
    with pytest.raises(DataError) as caught:
        read()
    told = str(caught.value)
    assert told.startswith("4 mistakes:")
    for message in (
        "cut.png is not a whole image",
        "stray.png lies in no folder that names its class",
        "real.tif is not a whole image (its pixels are fractions)",
        "pages.tif holds 3 images",
    ):
        assert message in told


def test_one_image_in_two_classes_is_asked_about(save, read, tmp_path):
    save("x/a.png", grey(0))
    (tmp_path / "in" / "y").mkdir()
    (tmp_path / "in" / "y" / "b.png").symlink_to("../x/a.png")
    with pytest.raises(DataError, match="b.png is labelled 'y', but .*a.png, the same place in the same image, 'x'"):
        read()


def test_deeplesion_slices_as_a_folder(real_data, tmp_path):
    (tmp_path / "lesion").symlink_to(real_data / "deeplesion_liver47" / "Images_png")
    # Two slices 3 mm apart of one patient, which nothing but their looks says.
    with pytest.raises(DataError, match="^[^\n]*000286_05_01_052.png looks like .*000286_05_01_049.png[^\n]*$"):
        read_lesions(tmp_path, source="images")
    found = read_lesions(tmp_path, source="images", accept=["alike"])
    assert len(found.lesions) == 47 and found.window == (0.0, 32767.0)


def test_odd_metadata_of_a_picture_is_no_noise(save):
    # Five entries are promised and none is there, of which Pillow warns.
    path = save("a/a.jpg", grey(0), exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0")
    pixels, value_range, doubts = load_image(path)
    assert pixels.shape == (20, 20) and value_range is None and [doubt.check for doubt in doubts] == ["lossy"]


def test_patients_come_from_a_part_of_the_path_or_a_csv(save, read, tmp_path):
    for i, name in enumerate(("x/p01_left.png", "x/p01_right.png", "y/p02_left.png")):
        save(name, grey(i))
    assert len({lesion.patient for lesion in read(patient=r"(p\d+)_").lesions}) == 2
    assert len({lesion.patient for lesion in read(patient="p..").lesions}) == 2
    with pytest.raises(DataError, match=r"(?s)3 mistakes:.*x/p01_left.png has no patient by --patient=q"):
        read(patient="q")
    with pytest.raises(ConfigError, match="no regular expression"):
        read(patient="(")
    path = tmp_path / "rows.csv"
    path.write_text("file,patient,label\nx/p01_left.png,A,z\ny\\p02_left.png,A,w\n")
    found = read(annotations=path)
    assert found.class_names == ("z", "w") and len({lesion.patient for lesion in found.lesions}) == 1
    path.write_text("file,patient\nx/p01_left.png,A\nx/p01_left.png,B\nx/none.png,C\n")
    with pytest.raises(DataError) as told:
        read(annotations=path)
    for message in ("line 3: .*p01_left.png is already in .*line 2", "line 4: x/none.png is no image below"):
        assert re.search(message, str(told.value))
    with pytest.raises(ConfigError, match="--patient does not go with a csv"):
        read(annotations=path, patient="x")


def test_a_csv_that_lacks_a_column_is_not_taken_for_one_of_images(save, tmp_path):
    save("x/a.png", grey(0))
    path = tmp_path / "rows.csv"
    path.write_text("file,patient,spacing_mm,row,column,label\nx/a.png,A,1,5,5,x\n")
    with pytest.raises(DataError, match="column diameter_mm is missing"):
        read_lesions(tmp_path / "in", path)


def test_masks_among_images_are_asked_about_and_odd_files_told(save, read, tmp_path):
    save("x/a.png", grey(0))
    save("y/b.png", np.dstack([grey(1)] * 3))
    (tmp_path / "in/x/._a.png").write_bytes(b"of macOS")
    Image.fromarray(grey(2)).save(tmp_path / "in/x/a.gif")
    wide = save("y/c.png", np.dstack([grey(3)] * 3 + [np.full((20, 20), 9, np.uint8)]))
    notes = []
    found = read(note=notes.append)
    assert len(found.lesions) == 3
    # Three equal channels are no colour.
    assert {note.split(" ", 1)[1][:12] for note in notes} >= {
        "files that a",
        "images that ",
    }
    assert not any("colour" in note for note in notes)
    wide.unlink()
    # Larger than what is kept: its edges would be smoothed away.
    save("x/a_mask.png", np.kron(grey(0) > 99, np.ones((20, 20), bool)).astype(np.uint8) * 255)
    save("x/thin.png", grey(1, (20, 7)))
    with pytest.raises(DataError) as told:
        read()
    assert "x/a_mask.png has the values 0 and 255 alone" in str(told.value) and "--accept=mask" in str(told.value)
    assert "x/thin.png has 20 x 7 pixels (--accept=size" in str(told.value)


def test_twelve_bits_among_sixteen_are_told(save, read):
    notes = []
    save("x/a.png", np.arange(400, dtype=np.uint16).reshape(20, 20) * 10)
    read(note=notes.append)
    assert notes[0] == "1 images of 16 bits that use less than a sixteenth of them"


def test_classes_within_splits_are_recognised_and_other_folders_only_suspected(save, tmp_path, caplog):
    for i, name in enumerate(("train/x/a.png", "train/y/b.png", "test/x/c.png", "test/y/d.png")):
        save(name, grey(i))
    found = read_lesions(tmp_path / "in")
    assert found.class_names == ("x", "y") and {lesion.tags["split"] for lesion in found.lesions} == {"train", "test"}
    assert "is taken for the source images, since test, train each hold images in the folders x, y" in caplog.text
    # Whoever is in one split only may be a patient.
    save("test/z/e.png", grey(4))
    with pytest.raises(
        ConfigError, match=r"--annotations is missing; .*--source=images fits, if the folders x, y, z are"
    ):
        read_lesions(tmp_path / "in")
    with pytest.raises(ConfigError, match="--source=images fits, if the folders x, y are classes"):
        read_lesions(tmp_path / "in" / "train")
    with pytest.raises(ConfigError, match="--source: images, npz, nifti, seg, rtstruct.$"):
        read_lesions(tmp_path / "in" / "train" / "x")
    with pytest.raises(DataError, match="gone cannot be read: No such file"):
        read_lesions(tmp_path / "gone")


def test_a_csv_of_files_patients_and_classes_alone_is_taken_for_images(save, tmp_path, caplog):
    save("a.png", grey(0))
    path = tmp_path / "rows.csv"
    path.write_text("File;Patient ID;Label;Site\na.png;P;x;north\n")
    assert read_lesions(tmp_path / "in", path, tags=["site"]).lesions[0].tags == {"site": "north"}
    assert "is taken for the source images by the columns of the csv" in caplog.text
    # Another column may hold what a mark needs, by another name.
    with pytest.raises(
        DataError, match="column spacing_mm, row, column, diameter_mm is missing .*of images are file, pat"
    ):
        read_lesions(tmp_path / "in", path)


def test_a_split_beside_classes_is_asked_about_and_hidden_folders_are_none(save, read, tmp_path):
    save("valid/P1/a.png", grey(0))
    save("invalid/P2/b.png", grey(1))
    # A copy that Jupyter keeps.
    save("invalid/.ipynb_checkpoints/b-checkpoint.png", grey(1))
    with pytest.raises(
        DataError, match="has a folder valid, which names a split, beside invalid, which names none; if"
    ):
        read()
    path = tmp_path / "rows.csv"
    path.write_text("file,patient,label\nvalid/P1/a.png,A,good\ninvalid/P2/b.png,B,bad\n")
    assert set(read(annotations=path).class_names) == {"good", "bad"}
    (tmp_path / "in" / "valid").rename(tmp_path / "in" / "usable")
    found = read()
    assert found.class_names == ("invalid", "usable") and len(found.lesions) == 2


def test_a_name_that_is_no_utf8_is_a_name(save, read, tmp_path):
    # As an archive from Windows leaves it. Of a known patient: no warning has a name that xdist could not send.
    odd = os.fsdecode(b"x/P/M\xfcller.png")
    save(odd, grey(0))
    save("x/Q/b.png", grey(1))
    assert len({lesion.lesion_id for lesion in read().lesions}) == 2
    (tmp_path / "in" / odd).write_bytes(b"cut")
    with pytest.raises(DataError), refusals_to(tmp_path / "refusals.csv"):
        read()
    assert "/x/P/M\\udcfcller.png is not a whole image" in (tmp_path / "refusals.csv").read_text()
