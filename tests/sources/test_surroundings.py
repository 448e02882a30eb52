"""A lesion's copy is found by what surrounds it, whatever became of its grey values; a likeness of kind is none."""

import io

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.surroundings import alike_surroundings, surroundings


def tissue(seed):
    """HU [160, 180]: noise of a scanner's texture, and in the middle of all the same round lesion and the same edge."""
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).normal(0, 1, (160, 180)), 0.8)
    rows, columns = np.mgrid[:160, :180]
    hu = 60 + 14 * noise / noise.std()
    hu[np.hypot(rows - 80, columns - 90) < 10] -= 50
    hu[:, columns[0] > 108] = -90
    return hu


def textures(images, centers, radius):
    each = [surroundings(hu.astype(np.int16), center, radius) for hu, center in zip(images, centers, strict=True)]
    assert None not in each
    return [one for one in each if one]


def compressed(hu, quality):
    """As JPEG of 8 bits, in a window."""
    file = io.BytesIO()
    Image.fromarray(((hu + 150).clip(0, 400) / 400 * 255).astype(np.uint8)).save(file, "JPEG", quality=quality)
    return np.array(Image.open(file)).astype(float) * 400 / 255 - 150


COPIES = {
    "contrast": lambda hu: 0.4 * hu + 300,
    "negative": lambda hu: 200 - hu,
    "lossy": lambda hu: compressed(hu, 50),
    "both": lambda hu: 2 * compressed(hu, 60) - 40,
}


@pytest.mark.parametrize("copy", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("moved", [(0, 0), (1, -2)])
def test_a_copy_is_found_and_others_are_not(copy, moved):
    images = [*(tissue(seed) for seed in range(6)), copy(tissue(2)).round()[7:, 11:]]
    each = textures(images, [(80.2, 89.7)] * 6 + [(73.2 + moved[0], 78.7 + moved[1])], 10)
    assert alike_surroundings(each, list("abcdefg")) == [(2, 6)]
    # Of one patient, it is of no concern.
    assert alike_surroundings(each, list("abcdefc")) == []


@pytest.mark.parametrize("radius", [3, 20])
def test_lesions_of_other_sizes_are_compared_at_other_scales(radius):
    large = [np.asarray(ndimage.zoom(tissue(seed), 2, order=1)) for seed in range(4)]
    each = textures([*large, compressed(large[1], 60)[9:]], [(160, 180)] * 4 + [(151, 180)], radius)
    assert alike_surroundings(each, list("abcde")) == [(1, 4)]
    # Around a larger one organs would be compared, which lie alike in everybody.
    assert surroundings(large[0].astype(np.int16), (160, 180), 25) is None


def test_what_has_no_texture_is_like_nothing():
    rows, columns = np.mgrid[:99, :99]
    for flat in (rows * 0, rows + 2 * columns, np.where(columns > 60, 100, 0)):
        assert surroundings(flat.astype(np.int16), (49, 49), 8) is None
    # So little of it is within the image, or beside the lesion.
    noise = tissue(0).astype(np.int16)
    assert surroundings(noise[:22, :18], (10, 9), 4) is None and surroundings(noise, (80, 90), 90) is None


def test_such_a_copy_under_another_patient_is_asked_about(tmp_path):
    hu = [tissue(0), tissue(1), compressed(tissue(0), 70)[:-5, 9:] * 1.2]
    for i, one in enumerate(hu):
        Image.fromarray((one.round() + 32768).astype(np.uint16)).save(tmp_path / f"{i}.png")
    path = tmp_path / "lesions.csv"
    header = "file,patient,spacing_mm,row,column,diameter_mm,label\n"
    path.write_text(f"{header}0.png,P,0.8,80,90,16,x\n1.png,R,0.8,80,90,16,x\n2.png,Q,0.8,80,81,16,x\n")
    with pytest.raises(DataError, match=r"line 4: what surrounds .*2.png looks like that in .*0.png.*--accept=alike"):
        read_lesions(tmp_path, path)
    assert len(read_lesions(tmp_path, path, accept=["alike"]).lesions) == 3
    path.write_text(path.read_text().replace(",Q,", ",P,"))
    assert len(read_lesions(tmp_path, path).lesions) == 3
