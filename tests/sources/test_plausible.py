"""What cannot be lesions is refused, with a reason for each and all of them at once."""

import numpy as np
import pytest
from PIL import Image

from lesion_jax.errors import ConfigError, DataError
from lesion_jax.sources.cohort import read_lesions

TISSUE = (np.arange(64 * 80).reshape(64, 80) % 400 - 100).astype(np.int32)
HEADER = "file,patient,spacing_mm,row,column,diameter_mm,label"


@pytest.fixture
def read(tmp_path):
    def read_rows(images, *rows, **options):
        for name, hu in images.items():
            pixels = hu if hu.dtype == np.uint8 else (hu + 32768).astype(np.uint16)
            Image.fromarray(pixels).save(tmp_path / name)
        path = tmp_path / "lesions.csv"
        path.write_text("\n".join([HEADER, *rows]) + "\n")
        return read_lesions(tmp_path, path, **options)

    return read_rows


def test_numbers_at_another_offset_are_refused(read):
    # 16 bits that hold HU + 1024, read as HU + 32768.
    with pytest.raises(DataError, match=r"line 2: the pixels of .*a.png around it lie from -\d+ to -\d+ HU.* offset"):
        read({"a.png": TISSUE + 1024 - 32768}, "a.png,P,0.8,30,40,10,cyst")


@pytest.mark.parametrize(("offset", "told"), [(1024, "all above 700"), (-1024, "is air")])
def test_numbers_that_are_1024_off_are_refused(read, offset, told):
    soft = np.random.default_rng(0).integers(20, 90, (64, 80))
    assert len(read({"a.png": soft}, "a.png,P,0.8,30,40,10,cyst").lesions) == 1
    with pytest.raises(DataError, match=rf"line 2: .*{told}"):
        read({"a.png": soft + offset}, "a.png,P,0.8,30,40,10,cyst")


def test_padding_and_metal_around_a_lesion_are_taken(read):
    hu = TISSUE.copy()
    hu[:, :30], hu[:5] = -3024, 20_000
    assert len(read({"a.png": hu}, "a.png,P,0.8,30,50,10,cyst").lesions) == 1


def test_a_centre_in_air_is_refused_and_one_in_lung_is_taken(read):
    hu = np.full((64, 80), -1000, np.int32)
    hu[20:, 40:] = 50
    hu[:, :20] = -870
    assert len(read({"a.png": hu}, "a.png,P,0.8,30,60,10,cyst", "a.png,P,0.8,30,10,10,cyst").lesions) == 2
    with pytest.raises(DataError, match=r"line 2: its centre in .*a.png is air \(-1000 HU\); are row and column"):
        read({"a.png": hu}, "a.png,P,0.8,10,30,10,cyst")


@pytest.mark.parametrize("pixels", [TISSUE, np.zeros((64, 80), np.uint8)], ids=["HU", "grey"])
def test_a_lesion_of_less_than_two_pixels_is_refused(pixels, read):
    with pytest.raises(DataError, match="diameter_mm 1.5 is less than 2 pixels of 0.8 mm of .*; is it in another unit"):
        read({"a.png": pixels}, "a.png,P,0.8,30,40,1.5,cyst")
    assert read({"a.png": pixels}, "a.png,P,0.8,30,40,1.6,cyst").lesions


def test_one_image_under_two_patients_is_refused_and_under_two_names_of_one_is_taken(read):
    images = {"a.png": TISSUE, "b.png": TISSUE}
    with pytest.raises(DataError, match="line 3: .*b.png has the very pixels of .*a.png, .*line 2.* folds would share"):
        # Other lesions of the image: their patches differ.
        read(images, "a.png,P,0.8,30,40,10,cyst", "b.png,Q,0.8,20,30,10,cyst")
    assert len(read(images, "a.png,P,0.8,30,40,10,cyst", "b.png,P,0.8,20,30,10,cyst").lesions) == 2


def test_all_mistakes_are_named_at_once_the_first_fifty_with_their_reasons(read):
    rows = [f"a.png,P,0.8,30,{40 + i / 10},0.1,cyst" for i in range(60)]
    with pytest.raises(DataError) as caught:
        read({"a.png": TISSUE}, *rows)
    lines = str(caught.value).splitlines()
    assert (
        lines[0] == "60 mistakes:"
        and lines[-1] == "... and 10 more; --refusals=FILE.csv writes all"
        and len(lines) == 52
    )


def test_who_knows_better_accepts_a_check_by_name_and_it_is_noted(read, caplog):
    hu, notes = np.full((64, 80), -1000, np.int32), []
    hu[20:, 40:] = 50
    rows = ["a.png,P,0.8,10,30,10,cyst", "a.png,P,0.8,16,30,10,cyst", "a.png,P,0.8,40,60,0.1,cyst"]
    found = read({"a.png": hu}, *rows, accept=["air", "size"], note=notes.append)
    assert len(found.lesions) == 3
    assert notes == [
        "2 centres in air, accepted by --accept=air",
        "1 lesions of too few pixels, accepted by --accept=size",
    ]
    assert "a.png is air" in caplog.text
    with pytest.raises(DataError, match=r"line 4: diameter_mm 0.1 .*\(--accept=size takes it as it is\)"):
        read({"a.png": hu}, *rows, accept=["air"])
    with pytest.raises(ConfigError, match="--accept has 'all'; choose among air, range, size"):
        read({"a.png": hu}, *rows, accept=["all"])


def test_an_image_of_no_tissue_is_taken_where_it_is_accepted(read):
    assert read({"a.png": TISSUE - 20_000}, "a.png,P,0.8,30,40,10,cyst", accept=["range"]).lesions


@pytest.mark.parametrize("offset", [-1000, -950, -400, 1000])
def test_numbers_at_yet_other_offsets_are_asked_about(read, offset):
    soft = np.random.default_rng(0).integers(20, 90, (64, 80))
    with pytest.raises(DataError, match=r"a.png around it lie from .*at another offset|a.png is air"):
        read({"a.png": soft + offset}, "a.png,P,0.8,30,40,10,cyst")


def test_distances_and_diameters_in_cm_are_noticed(read):
    wide = np.random.default_rng(0).integers(0, 90, (400, 420))
    with pytest.raises(DataError, match=r"is 28 mm across by its spacing; .*--accept=field"):
        read({"a.png": wide}, "a.png,P,0.07,200,200,2,x")
    with pytest.raises(DataError, match="are 0.0007 x 0.0007 mm apart; of a body they are 0.005 to 20 mm"):
        read({"a.png": wide}, "a.png,P,0.0007,200,200,2,x")
    rows = [f"a.png,P,0.7,{row},200,{2 + row / 100},x" for row in range(50, 350, 50)]
    for more, told in (
        ([], ["1 datasets without a lesion of 10 mm, whose diameters may be in cm"]),
        (["a.png,P,0.7,200,300,11,x"], []),
    ):
        notes = []
        read({"a.png": wide}, *rows, *more, note=notes.append)
        assert notes == told


@pytest.mark.parametrize("hu", [-1000, -300, 1000])
def test_a_flat_patch_is_air_or_at_another_offset_first(read, hu):
    with pytest.raises(DataError, match="is air|at another offset"):
        read({"a.png": np.full((64, 80), hu)}, "a.png,P,0.8,30,40,10,cyst")
    notes = []
    read({"a.png": np.full((64, 80), 40)}, "a.png,P,0.8,30,40,10,cyst", note=notes.append)
    assert notes == ["1 lesions whose pixels are all of one value"]
