"""Images of one person under two patients are noticed also where no pixel is the same."""

import numpy as np
import pytest
from PIL import Image

from lesion_jax.errors import DataError
from lesion_jax.sources.cohort import read_lesions
from lesion_jax.sources.likeness import alike, signature


def body(seed, noise_seed=0):
    """An ellipse of its own with organs and noise, in air."""
    numbers, noise = np.random.default_rng(seed), np.random.default_rng(noise_seed)
    rows, columns = np.mgrid[-1:1:256j, -1:1:256j]
    hu = np.full((256, 256), -1000.0)
    hu[(rows / numbers.uniform(0.5, 0.9)) ** 2 + (columns / numbers.uniform(0.6, 0.95)) ** 2 < 1] = 40
    for _ in range(6):
        row, column, size = numbers.uniform(-0.4, 0.4, 3)
        hu[(rows - row) ** 2 + (columns - column) ** 2 < size**2] += numbers.uniform(-120, 200)
    return hu + noise.normal(0, 12, hu.shape)


def test_noise_and_contrast_do_not_matter_and_other_bodies_do():
    first = body(0).astype(np.int16)
    copies = [first + 300, (first * 0.2).astype(np.int16), 90 - first, body(0, noise_seed=1).astype(np.int16)]
    others = [body(seed).astype(np.int16) for seed in range(1, 6)]
    others += [np.full((9, 9), 7, np.int16), np.full((9, 9), 7, np.int16)]
    found = alike([signature(image) for image in (first, *copies, *others)])
    assert found == [(i, j) for i in range(5) for j in range(i + 1, 5)] and alike([]) == []


def test_many_images_are_compared_in_parts(monkeypatch):
    monkeypatch.setattr("lesion_jax.sources.likeness._AT_ONCE", 3)
    noise = list(np.random.default_rng(0).normal(0, 100, (10, 40, 40)).astype(np.int16))
    found = alike([signature(image) for image in [*noise, noise[2], noise[9]]])
    assert found == [(2, 10), (9, 11)]


def test_a_copy_with_other_pixels_under_another_patient_is_asked_about(tmp_path):
    for i, hu in enumerate((body(0), body(0, noise_seed=1), body(1))):
        Image.fromarray((hu + 32768).astype(np.uint16)).save(tmp_path / f"{i}.png")
    path = tmp_path / "lesions.csv"
    path.write_text(
        "file,patient,spacing_mm,row,column,diameter_mm,label\n"
        "0.png,P,1,120,120,9,x\n1.png,Q,1,130,120,9,x\n1.png,Q,1,110,120,9,x\n2.png,R,1,120,120,9,x\n"
    )
    with pytest.raises(
        DataError, match=r"1.png looks like .*0.png, which is another patient's .*--accept=alike"
    ) as told:
        read_lesions(tmp_path, path)
    assert "\n" not in str(told.value)
    assert len(read_lesions(tmp_path, path, accept=["alike"]).lesions) == 4
    path.write_text(path.read_text().replace(",Q,", ",P,"))
    assert len(read_lesions(tmp_path, path).lesions) == 4


def test_a_mirrored_or_turned_copy_is_noticed():
    first = body(0).astype(np.int16)
    turned = [first[:, ::-1], first[::-1], np.rot90(first), first.T]
    found = alike([signature(image) for image in (first, *turned, *(body(seed).astype(np.int16) for seed in (1, 2)))])
    assert found == [(i, j) for i in range(5) for j in range(i + 1, 5)]
