"""DL_info.csv as the NIH writes it, with the real slices and with drawn ones."""

import csv

import numpy as np
import pytest
from PIL import Image

from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions

HEADER = (
    "File_name,Patient_index,Study_index,Series_ID,Key_slice_index,Measurement_coordinates,Bounding_boxes,"
    "Lesion_diameters_Pixel_,Coarse_lesion_type,Possibly_noisy,Spacing_mm_px_,Train_Val_Test"
)
BOX = '"31, 21, 41, 27"'


@pytest.fixture
def read(tmp_path):
    def read_rows(*rows, **options):
        path = tmp_path / "DL_info.csv"
        path.write_text("\n".join([HEADER, *rows]) + "\n")
        return read_lesions(tmp_path / "in", path, **options)

    return read_rows


@pytest.fixture
def draw(tmp_path):
    def write(name, seed=0):
        hu = np.random.default_rng(seed).integers(0, 100, (64, 64))
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((hu + 32768).astype(np.uint16)).save(path)
        return hu

    return write


def row(name="000001_01_01_109.png", patient=1, box=BOX, kind=4, noisy=0, split=1, diameters='"10, 6"'):
    return f'{name},{patient},1,1,109,"1, 1, 1, 1",{box},{diameters},{kind},{noisy},"0.8, 0.8, 5",{split}'


def test_rows_of_the_original_csv_are_lesions(read, draw):
    one, other = draw("000001_01_01_109.png"), draw("Images_png/000002_01_01/007.png", seed=1)
    notes = []
    found = read(
        row(),
        row("000002_01_01_007.png", 2, kind=5, split=3),
        row("000009_01_01_001.png", 9, noisy=1),
        row("000009_01_01_002.png", 9, kind=-1),
        note=notes.append,
    )
    assert found.unit == "HU" and found.class_names == ("liver", "lung")
    liver, lung = sorted(found.lesions, key=lambda lesion: lesion.label)
    # In the middle of a box that counts from 1: row 23, column 35.
    half = liver.patch.shape[0] // 2
    assert liver.center == (half, half) and liver.patch[half, half] == one[23, 35]
    assert lung.patch[half, half] == other[23, 35]
    # Ten pixels of 0.8 mm.
    assert liver.diameter_mm == 8 and liver.spacing_mm == (pytest.approx(0.8), pytest.approx(0.8))
    assert (liver.tags, lung.tags) == ({"split": "train"}, {"split": "test"})
    assert notes == [
        "1 lesions that DeepLesion calls possibly noisy, which are left out",
        "1 lesions without a type, which are left out",
    ]


def test_what_is_wrong_is_told_at_once(read, draw, tmp_path):
    draw("000001_01_01_109.png")
    Image.new("L", (64, 64)).save(tmp_path / "in" / "000003_01_01_001.png")
    with pytest.raises(DataError) as caught:
        read(
            row(),
            row(),
            row(box='"1, 2"'),
            row(box='"1_0, 9, 20, 20"'),
            row(kind=9),
            row("000002_01_01_007.png", 2),
            row("000003_01_01_001.png", 3),
        )
    for message in (
        "line 3: this lesion is already marked in",
        "bounding_boxes is '1, 2'; it must be 4 numbers",
        "bounding_boxes is '1_0, 9, 20, 20'; it must be 4 numbers",
        "coarse_lesion_type is '9'",
        "000002_01_01_007.png does not exist, nor",
        "has 8 bits; DeepLesion's own",
    ):
        assert message in str(caught.value)


def test_the_real_rows_and_slices_lie_in_the_middle_of_their_boxes(real_data):
    folder = real_data / "deeplesion_liver47"
    # Ten rows of it have their slice beside them under another name, none is missing.
    found = read_lesions(folder / "Images_png", folder / "raghav_23_original.csv")
    with (folder / "raghav_23_original.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert found.class_names == ("liver",) and len(found.lesions) == len(rows) == 23
    sizes = sorted(float(one["Lesion diameter 1"]) * float(one["Spacing_mm_px_"].split(",")[0]) for one in rows)
    np.testing.assert_allclose(sorted(lesion.diameter_mm for lesion in found.lesions), sizes, rtol=1e-5)
    patients = {one["Patient_index"] for one in rows}
    assert len({lesion.patient for lesion in found.lesions}) == len(patients)


def test_numbers_as_programs_write_them_and_boxes_of_other_pixels(read, draw):
    draw("000001_01_01_109.png")
    draw("000002_01_01_109.png", seed=1)
    one, other = (
        row(kind="4.0", noisy="0.0", split="3.0", diameters='"6, 10"'),
        row("000002_01_01_109.png", 2, kind="-1.0"),
    )
    found = read(one, other)
    (lesion,) = found.lesions
    assert (found.class_names, lesion.tags) == (("liver",), {"split": "test"}) and lesion.diameter_mm == pytest.approx(
        8
    )
    with pytest.raises(DataError, match="spacing_mm_px is 0.8, 0.7; pixels must be square"):
        read(one.replace("0.8, 0.8, 5", "0.8, 0.7, 5"))
    # What left all out is why nothing is there.
    with pytest.raises(DataError, match="line 2 is possibly noisy"):
        read(row(noisy=1))


def test_a_slice_of_another_size_and_a_patient_of_another_number_are_told(read, draw, tmp_path):
    draw("000001_01_01_109.png")
    draw("000001_02_01_009.png", seed=1)
    with pytest.raises(
        DataError, match="have one number of a patient in their names, but two patients.*--accept=patients"
    ):
        read(row(), row("000001_02_01_009.png", patient=2))
    path = tmp_path / "DL_info.csv"
    for size, is_right in (('"64, 64"', True), ('"512, 512"', False)):
        path.write_text(f"{HEADER},Image_size\n{row()},{size}\n")
        if is_right:
            assert len(read_lesions(tmp_path / "in", path).lesions) == 1
        else:
            with pytest.raises(
                DataError, match="109.png has 64 x 64 pixels, but image_size is 512, 512; take the orig"
            ):
                read_lesions(tmp_path / "in", path)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (
            {"box": '"41, 21, 31, 27"'},
            "bounding_boxes is '41, 21, 31, 27', no box of left, top, right and bottom around",
        ),
        # Normalised, or of another slice.
        ({"box": '"0.4, 0.3, 0.6, 0.4"'}, "no box of left, top, right and bottom around a diameter of 10 pixels"),
        ({"diameters": '"20, 6"'}, "no box of left, top, right and bottom around a diameter of 20 pixels"),
        ({"split": 4}, "train_val_test is '4'; it must be 1, 2 or 3, for train, val, test"),
    ],
)
def test_a_box_and_a_split_that_cannot_be_are_refused(read, draw, values, message):
    draw("000001_01_01_109.png")
    with pytest.raises(DataError, match=f"line 2: .*{message}"):
        read(row(**values))


def test_one_slice_is_one_however_it_is_named(read, draw):
    draw("Images_png/000001_01_01/109.png")
    box = '"11, 11, 30, 30"'
    names = ("000001_01_01_109.png", "Images_png/000001_01_01/109.png", "Images_png\\000001_01_01\\109.png")
    found = read(row(names[0]), row(names[1], box=box, noisy="FALSE"))
    assert len(found.lesions) == 2
    for name in names[1:]:
        with pytest.raises(DataError, match="line 3: this lesion is already marked in .* line 2"):
            read(row(names[0]), row(name))
    with pytest.raises(DataError, match="line 3: patient is '2', but .*line 2 gives the same slice to '1'"):
        read(row(names[0]), row(names[2], patient=2, box=box))
