"""A benchmark's npz: every image is a lesion, its split a tag, and equal images are one patient."""

import zipfile

import numpy as np
import pytest

from lesion_jax.config.training import DataConfig
from lesion_jax.data.augment import NUM_VARIANTS, augmented, original
from lesion_jax.data.partitions import make_partition
from lesion_jax.errors import ConfigError, DataError
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.npz import load_npz


@pytest.fixture
def write(tmp_path):
    def write_arrays(**changes):
        """6 training, 3 validation and 3 test images of 12 x 12; None in `changes` removes an array."""
        numbers = np.random.default_rng(0)
        arrays = {}
        for split, count in (("train", 6), ("val", 3), ("test", 3)):
            arrays[f"{split}_images"] = numbers.integers(0, 256, (count, 12, 12)).astype(np.uint8)
            arrays[f"{split}_labels"] = (np.arange(count)[:, None] + 1) % 2
        arrays |= changes
        path = tmp_path / "mnist.npz"
        np.savez_compressed(path, **{name: array for name, array in arrays.items() if array is not None})
        return path, arrays

    return write_arrays


def read(path, **options):
    return read_lesions(path, source="npz", **options)


def test_images_become_lesions_whose_roi_is_the_image(write):
    path, arrays = write()
    notes, calls = [], []
    found = read(path, note=notes.append, progress=lambda *at: calls.append(at))
    assert len(found.lesions) == 12 and calls[-1] == (12, 12)
    assert found.class_names == ("0", "1") and found.unit == "grey" and found.window == (0.0, 255.0)
    for split in ("train", "val", "test"):
        some = [lesion for lesion in found.lesions if lesion.tags == {"split": split}]
        rois = {original(lesion, 12, DataConfig().margin).tobytes(): lesion.label for lesion in some}
        labels = arrays[f"{split}_labels"][:, 0].tolist()
        expected = [image.astype(np.int16).tobytes() for image in arrays[f"{split}_images"]]
        assert rois == dict(zip(expected, labels, strict=True))
    assert len({lesion.patient for lesion in found.lesions}) == 12
    assert notes == ["12 images of which nothing says whose they are: each is a patient of its own"]


def test_every_augmentation_finds_its_surroundings_which_are_the_reflection(write):
    flat = {"train_images": np.full((6, 12, 12), 200, np.uint8), "train_labels": np.zeros(6, int)}
    lesion = read(write(**flat, val_images=None, test_images=None)[0]).lesions[0]
    assert (augmented(lesion, range(NUM_VARIANTS), 12, 0.25, seed=0) == 200).all()


def test_the_own_split_is_a_partition(write):
    lesions = read(write()[0])
    folds = make_partition(lesions, None, "tag:split=test")
    tested = {lesion.patient for lesion in lesions.lesions if folds.fold_of[lesion.patient] == 0}
    assert tested == {lesion.patient for lesion in lesions.lesions if lesion.tags["split"] == "test"}


def test_equal_images_are_one_patient_and_two_labels_are_asked_about(write):
    _, arrays = write()
    images = arrays["train_images"].copy()
    images[3], notes = images[1], []
    path, _ = write(train_images=images)
    found = read(path, note=notes.append)
    assert len(found.lesions) == 12 and len({lesion.patient for lesion in found.lesions}) == 11
    assert "1 images that repeat another, and count as the same patient" in notes
    images[3] = images[2]
    with pytest.raises(
        DataError, match="train/3 is labelled '0', but .*train/2, the same place in the same image, '1'"
    ):
        read(write(train_images=images)[0])
    assert read(path, accept=["labels"]).lesions


def test_colours_become_luminance_with_a_note(write):
    red = np.zeros((6, 12, 12, 3), np.uint8)
    red[..., 0] = np.random.default_rng(0).permutation(6 * 144).reshape(6, 12, 12) % 256
    notes = []
    path, _ = write(train_images=red, val_images=None, test_images=None)
    found = read(path, note=notes.append)
    assert max(int(lesion.patch.max()) for lesion in found.lesions) == round(0.299 * 255)
    assert "6 coloured images, of which the luminance is taken" in notes


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"train_labels": None}, "has train_images and no train_labels"),
        ({"train_labels": np.zeros((6, 14), int)}, r"train_labels is int64 \[6, 14\]; it must be one whole number"),
        ({"train_labels": np.zeros(5, int)}, "each of the 6 images"),
        ({"train_labels": np.zeros(6)}, "train_labels is float64"),
        ({"train_images": np.zeros((6, 12, 12))}, "train_images is float64"),
        ({"train_images": np.zeros((6, 12, 12, 12), np.uint8)}, r"train_images is uint8 \[6, 12, 12, 12\]"),
        ({"train_images": np.zeros((6, 0, 12), np.uint8)}, "images without pixels"),
        ({f"{split}_images": None for split in ("train", "val", "test")}, "has no array such as train_images"),
        (
            {"_images": np.zeros((1, 12, 12), np.uint8), "_labels": np.zeros(1, int)},
            "has no array such as train_images",
        ),
        ({"train_labels": np.array([{}] * 6)}, "is not a whole npz file of plain arrays"),
    ],
)
def test_other_arrays_are_refused_by_name(write, changes, message):
    with pytest.raises(DataError, match=message):
        load_npz(write(**changes)[0])


def test_damaged_files_are_refused(write, tmp_path, monkeypatch):
    path, _ = write()
    whole = path.read_bytes()
    for name, raw in (
        ("cut", whole[:-200]),
        ("text", b"hello"),
        ("empty", b""),
        ("spoilt", whole[:300] + b"\0" * 90 + whole[390:]),
    ):
        (tmp_path / name).write_bytes(raw)
        with pytest.raises(DataError, match=f"{name} is not a whole npz file"):
            load_npz(tmp_path / name)
    with pytest.raises(DataError, match="none cannot be read: No such file"):
        load_npz(tmp_path / "none")
    with zipfile.ZipFile(tmp_path / "vast", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("train_images.npy", b"\0" * 2_000_000)
    monkeypatch.setattr("lesion_jax.sources.npz._MOST_BYTES", 1_000_000)
    with pytest.raises(DataError, match="vast unpacks to 1 MiB, more than 0"):
        load_npz(tmp_path / "vast")


def test_pneumoniamnist_has_its_official_counts(real_data):
    (path,) = (real_data / "pneumoniamnist").glob("*.npz")
    splits = load_npz(path)
    assert {name: np.bincount(labels).tolist() for name, (_, labels) in splits.items()} == {
        "train": [1214, 3494],
        "val": [135, 389],
        "test": [234, 390],
    }


def test_one_channel_and_negative_labels(tmp_path):
    images, path = np.random.default_rng(0).integers(0, 256, (4, 28, 28, 1)).astype(np.uint8), tmp_path / "a.npz"
    np.savez(path, train_images=images, train_labels=np.arange(4) % 2)
    np.testing.assert_array_equal(load_npz(path)["train"][0], images[..., 0])
    np.savez(path, train_images=images, train_labels=np.arange(4) - 1)
    with pytest.raises(DataError, match="train_labels has -1; classes are numbered from 0"):
        load_npz(path)


def test_the_only_npz_of_a_folder_is_found_without_a_word(write, tmp_path):
    path, _ = write()
    whole = read(path).fingerprint
    (tmp_path / "SOURCE.txt").write_text("where it is from")
    assert read_lesions(tmp_path, source="auto").fingerprint == whole
    path.with_name("other.npz").write_bytes(path.read_bytes())
    with pytest.raises(ConfigError, match="--annotations is missing"):
        read_lesions(tmp_path, source="auto")
