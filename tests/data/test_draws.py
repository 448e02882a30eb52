import numpy as np

from lesion_jax.data import draws


def test_numbers_are_pinned():
    # Resuming on another numpy needs exactly these.
    assert draws.permutation("a", 1, count=8).tolist() == [5, 6, 7, 3, 4, 2, 1, 0]
    assert draws.bits("a", 1, count=2).tolist() == [15887551939630303632, 13667371745842661228]


def test_prefix_does_not_depend_on_the_count():
    assert (draws.uniform("x", 3, count=10) == draws.uniform("x", 3, count=100)[:10]).all()


def test_words_are_told_apart():
    assert len({draws.bits(*words, count=1)[0] for words in [("a", 1), ("a", "1"), ("a1",), (1, "a"), ("a", -1)]}) == 5


def test_uniform_fills_the_unit_interval():
    drawn = draws.uniform("u", count=20000)
    assert 0 <= drawn.min() < 0.001 and 0.999 < drawn.max() < 1
    np.testing.assert_allclose(np.histogram(drawn, 10, (0, 1))[0], 2000, atol=200)
