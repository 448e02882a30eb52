import numpy as np

from lesion_jax.inference.predict import Predictions
from lesion_jax.paper.selection import Outcome, choose


def predictions(num_right, num, confidence=0.6):
    """Two classes, truth 0; the first `num_right` are right."""
    first = np.where(np.arange(num) < num_right, confidence, 1 - confidence)
    return Predictions(
        lesion_ids=tuple(map(str, range(num))),
        patients=tuple(map(str, range(num))),
        labels=np.zeros(num, int),
        probabilities=np.stack([first, 1 - first], -1),
        features=np.zeros((num, 1)),
        steps=(1,),
    )


def outcome(inner, test, confidence=0.6):
    return Outcome(predictions(inner, 10, confidence), predictions(test, 10))


def test_inner_choice_is_made_by_each_fold_alone_and_never_sees_the_test_folds():
    outcomes = {
        500: [[outcome(9, 0), outcome(2, 10)]],
        1000: [[outcome(5, 10), outcome(8, 0)]],
    }
    assert choose(outcomes, "inner") == (500, 1000)


def test_inner_choice_averages_over_seeds():
    outcomes = {500: [[outcome(9, 0)], [outcome(1, 0)]], 1000: [[outcome(6, 0)], [outcome(6, 0)]]}
    assert choose(outcomes, "inner") == (1000,)


def test_test_choice_is_one_size_by_the_pooled_folds():
    outcomes = {
        500: [[outcome(0, 9), outcome(0, 2)]],
        1000: [[outcome(0, 5), outcome(0, 8)]],
    }
    assert choose(outcomes, "test") == (1000, 1000)


def test_likelihood_breaks_a_tie_and_then_the_smaller_size_wins():
    outcomes = {500: [[outcome(8, 0, 0.6)]], 1000: [[outcome(8, 0, 0.7)]], 2000: [[outcome(8, 0, 0.7)]]}
    assert choose(outcomes, "inner") == (1000,)
