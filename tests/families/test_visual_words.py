import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from lesion_jax.families.visual_words import histograms, learn_words, mutual_information, patches_of, select_words


def test_patches_lie_at_every_pixel_row_by_row():
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    np.testing.assert_array_equal(
        patches_of(image, 2),
        [[0, 1, 4, 5], [1, 2, 5, 6], [2, 3, 6, 7], [4, 5, 8, 9], [5, 6, 9, 10], [6, 7, 10, 11]],
    )


def test_mutual_information_of_a_known_table():
    # Joint counts of (there, class): 2 of 4 in class 0 and 4 of 4 in class 1.
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1], np.int32)
    tells_some = np.array([1, 1, 0, 0, 1, 1, 1, 1], bool)
    found = mutual_information(np.stack([tells_some, labels == 1, labels == labels], axis=1), labels)
    # By hand: 1/4 ln(1/4 / (3/4 1/2)) + 1/2 ln(1/2 / (3/4 1/2)) + 1/4 ln(1/4 / (1/4 1/2)); ln 2; a constant tells 0.
    np.testing.assert_allclose(found, [0.25 * np.log(2 / 3) + 0.5 * np.log(4 / 3) + 0.25 * np.log(2), np.log(2), 0])


def test_mutual_information_is_scikit_learns():
    generator = np.random.default_rng(0)
    labels, is_there = generator.integers(0, 3, 40).astype(np.int32), generator.random((40, 20)) < 0.3
    expected = [mutual_info_score(labels, column) for column in is_there.T]
    np.testing.assert_allclose(mutual_information(is_there, labels), expected, atol=1e-12)


def test_a_histogram_counted_by_hand():
    # Words are patches of 0, of 1 and of 0.4; the projection keeps the mean of a patch alone.
    arrays = {
        "mean": np.zeros(4, np.float32),
        "components": np.full((1, 4), 0.25, np.float32),
        "words": np.array([[0.0], [1.0], [0.4]], np.float32),
    }
    image = np.array([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]], np.float32)
    # Columns 0-1 are dark, 2-3 bright, 1-2 half so, which is nearer to 0.4 than to 1: two of each.
    np.testing.assert_allclose(histograms(image[None], arrays, 2), [[2 / 6, 2 / 6, 2 / 6]])
    np.testing.assert_allclose(histograms(np.stack([0 * image, image]), arrays, 2)[0], [1, 0, 0])


def test_the_words_that_tell_the_class_are_kept_in_their_order():
    labels = np.array([0, 0, 1, 1], np.int32)
    shares = np.array([[5, 3, 0, 2], [5, 1, 0, 1], [5, 1, 0, 8], [5, 3, 1, 9]], np.float32)
    assert select_words(shares, labels, 0.25).tolist() == [3]
    assert select_words(shares, labels, 0.26).tolist() == [2, 3]
    assert select_words(shares, labels, 1.0).tolist() == [0, 1, 2, 3]


def test_words_are_the_kinds_of_patches_that_there_are():
    dark, bright = np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32)
    images = np.stack([dark, bright, dark])
    found = learn_words(images, side=2, components=1, words=5, seed=0)
    # Two different patches, so two words, not five; they are learned from images, not from labels.
    shares = histograms(images, found, 2)
    assert sorted(shares[0].tolist()) == [0, 1] and shares[0].tolist() == shares[1, ::-1].tolist()
    # Projected and back they are those patches again.
    restored = found["mean"] + found["words"] @ found["components"]
    np.testing.assert_allclose(np.sort(restored.mean(1)), [0, 1], atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_one_seed_gives_the_same_bits(seed):
    images = np.random.default_rng(3).random((6, 12, 12), np.float32)
    one, two, other = (learn_words(images, side=3, components=4, words=8, seed=s) for s in (seed, seed, seed + 1))
    assert all(one[name].tobytes() == two[name].tobytes() for name in one)
    assert one["words"].tobytes() != other["words"].tobytes()
