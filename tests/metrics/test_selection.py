import numpy as np

from lesion_jax.metrics.selection import select
from tests.metrics import drawn


def test_images_labelled_as_they_look_and_no_copies_are_taken_first():
    train, fresh = drawn.lesions(90, seed=0), drawn.lesions(60, seed=1)
    truth = fresh.labels
    said, pixels = truth.copy(), fresh.pixels.copy()
    # The first three of each class say another class, the next two are a training image of their class again.
    for label in range(3):
        at = np.flatnonzero(truth == label)
        said[at[:3]] = (label + 1) % 3
        pixels[at[3:5]] = train.pixels[train.labels == label][:2]
    bank = drawn.bank(pixels, said)
    chosen, passed = select(bank, train, 8, 3)
    assert np.bincount(said[chosen]).tolist() == [8, 8, 8] and list(passed) == [0, 1, 2]
    wrong = {i for label in range(3) for i in np.flatnonzero(truth == label)[:5]}
    assert not wrong & set(chosen.tolist())
    assert all(0.3 < share < 0.85 for share in passed.values())
    # The first of them, in the order of the bank.
    fewer, _ = select(bank, train, 4, 3)
    for label in range(3):
        assert fewer[said[fewer] == label].tolist() == chosen[said[chosen] == label][:4].tolist()


def test_where_too_few_pass_the_likeliest_others_follow():
    train, fresh = drawn.lesions(90, seed=0), drawn.lesions(30, seed=1)
    # All are called by one class, and most are of another.
    chosen, passed = select(drawn.bank(fresh.pixels, np.zeros(30)), train, 15, 3)
    assert len(chosen) == 15 and 0 < passed[0] < 0.5
    assert (fresh.labels[chosen] == 0).mean() > 0.5
