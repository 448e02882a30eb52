"""t-SNE keeps separate what is separate; neighbour agreement against a hand count."""

import numpy as np
import pytest

from lesion_jax.metrics.embedding import neighbor_agreement, tsne


def groups(distance, num=12, seed=0):
    generator = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], num)
    return generator.standard_normal((3 * num, 8)) + distance * np.eye(8)[labels], labels


def test_tsne_separates_groups_and_repeats_itself():
    features, labels = groups(20.0)
    points = tsne(features)
    assert points.shape == (36, 2)
    assert neighbor_agreement(points, labels, num_neighbors=3) == 1.0
    np.testing.assert_array_equal(points, tsne(features))


@pytest.mark.parametrize("features", [np.zeros((6, 5)), np.arange(8.0).reshape(4, 2)])
def test_tsne_survives_dead_units_and_few_rows(features):
    assert np.isfinite(tsne(features)).all()


def test_agreement_by_hand_and_at_chance():
    line = np.array([[0.0], [1.0], [2.1], [10.0], [11.0]])
    # Nearest neighbours: 0 -> 1, 1 -> 0, 2.1 -> 1, 10 -> 11, 11 -> 10.
    assert neighbor_agreement(line, np.array([0, 0, 1, 1, 1]), num_neighbors=1) == pytest.approx(4 / 5)
    features, labels = groups(0.0, num=100)
    assert neighbor_agreement(features, labels) == pytest.approx(1 / 3, abs=0.06)


@pytest.mark.parametrize("features", [np.zeros((3, 2)), np.full((5, 2), np.nan), np.zeros(5)])
def test_what_cannot_be_embedded_is_refused(features):
    with pytest.raises(ValueError, match="at least 4 rows"):
        tsne(features)
