import numpy as np
import pytest

from lesion_jax.metrics.copies import Nearest, copying_test, find_copies, nearest_lesions
from tests.metrics.drawn import bank, lesions, near_copies


@pytest.fixture(scope="module")
def train():
    return lesions(36, 0)


def test_near_copies_are_found_and_named_and_fresh_lesions_are_not(train):
    held_out = lesions(30, 1)
    found = find_copies(near_copies(train, 60, 0), train, held_out)
    assert found["copies"] and found["share"] > 0.7 and found["c_t"] < -3 and found["p"] < 1e-3
    fresh = find_copies(lesions(60, 2), train, held_out)
    assert not fresh["copies"] and fresh["share"] <= 0.02 and abs(fresh["c_t"]) < 3
    assert (fresh["num"], fresh["num_real"]) == (60, 30)
    # A fifth of copies among fresh ones is enough, and the pairs name them.
    copies = near_copies(train, 12, 3)
    mixed = bank(
        np.concatenate([lesions(48, 4).pixels, copies.pixels]), np.concatenate([lesions(48, 4).labels, copies.labels])
    )
    found = find_copies(mixed, train, held_out)
    assert found["copies"] and all(pair["image"] >= 48 for pair in found["pairs"][:5])


def test_the_nearest_is_the_lesion_itself_in_any_turn(train):
    turned = bank(np.rot90(train.pixels, axes=(1, 2))[:, ::-1], train.labels)
    found = nearest_lesions(turned, train)
    assert found.lesion.tolist() == list(range(36))
    np.testing.assert_allclose(found.distance, 0, atol=2e-3)
    # A wider crop of each, given as a view, is found as well.
    wider = lesions(36, 9)
    assert nearest_lesions(wider, train, wider.pixels[None]).lesion.tolist() == list(range(36))


def test_copying_test_by_hand():
    def at(distances):
        zero = np.zeros(len(distances), int)
        return Nearest(zero, np.array(distances, float), np.ones(len(distances)), zero)

    # All three nearer than both held-out ones: U = 0, mean 3, variance 3 * 2 * 6 / 12 = 3.
    found = copying_test(at([1, 2, 3]), at([4, 5]), np.zeros(3, int), np.zeros(2, int))
    assert found["c_t"] == pytest.approx(-np.sqrt(3))
    # Only within a class: in the second there is nothing to compare.
    found = copying_test(at([1, 2, 3]), at([4, 5]), np.zeros(3, int), np.ones(2, int))
    assert found == {"c_t": None, "p": None}
