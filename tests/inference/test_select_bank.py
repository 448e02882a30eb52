import numpy as np
import pytest

from lesion_jax.core.types import Images
from lesion_jax.data.bank import load_bank, save_bank
from lesion_jax.errors import BankError
from lesion_jax.inference.select_bank import select_bank
from tests.reader.conftest import facts
from tests.train.tiny import cohort


@pytest.fixture
def bank(tmp_path):
    """Ten images of each class of the tiny cohort, whose classes are grey levels; the first four show another class."""
    labels = np.repeat(np.arange(3, dtype=np.int32), 10)
    shown = np.where(np.arange(30) % 10 < 4, (labels + 1) % 3, labels)
    noise = np.random.default_rng(0).normal(0, 40, (30, 32, 32))
    pixels = (noise - 100 + 100 * shown[:, None, None]).astype(np.int16)
    found = cohort()
    save_bank(
        tmp_path / "bank", Images(pixels, labels), facts(found, image_size=32, window=[-160.0, 240.0], margin=0.25)
    )
    return tmp_path / "bank", found


def test_the_images_that_show_their_label_make_a_bank_of_the_same_fold(bank, tmp_path):
    drawn, found = bank
    select_bank(drawn, 5, tmp_path / "chosen", found)
    whole, chosen = load_bank(drawn), load_bank(tmp_path / "chosen")
    assert np.bincount(chosen.images.labels).tolist() == [5, 5, 5]
    right = {image.tobytes() for i, image in enumerate(whole.images.pixels) if i % 10 >= 4}
    assert {image.tobytes() for image in chosen.images.pixels} <= right
    same = set(whole.provenance) - {"label_counts"}
    assert all(chosen.provenance[name] == whole.provenance[name] for name in same)
    assert chosen.provenance["selected_from"] == [10, 10, 10]
    assert all(share <= 0.6 for share in chosen.provenance["passed"].values())
    found.split_of_bank(chosen, tmp_path)
    # The same again is there already; another number is another bank.
    select_bank(drawn, 5, tmp_path / "chosen", found)
    with pytest.raises(BankError, match="exists, with num_per_class 5 where 4"):
        select_bank(drawn, 4, tmp_path / "chosen", found)


def test_more_than_there_are_cannot_be_selected(bank, tmp_path):
    with pytest.raises(BankError, match="holds 10 images of a class, of which 11 cannot"):
        select_bank(bank[0], 11, tmp_path / "chosen", bank[1])
    assert not (tmp_path / "chosen").exists()
