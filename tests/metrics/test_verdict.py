"""Four words, from intervals and margins alone."""

import dataclasses

import pytest

from lesion_jax.metrics.components import Components
from lesion_jax.metrics.holm import holm
from lesion_jax.metrics.spread import Spread
from lesion_jax.metrics.statistics import compare
from lesion_jax.metrics.verdict import deciding, judge
from tests.metrics.made_up_runs import random_runs

ONE = compare(random_runs(6, 0.8, 0), random_runs(6, 0.7, 1), "accuracy")


def difference(low, high, **changes):
    """Of 100 patients and 5 seeds; the spread fits the interval."""
    value = (low + high) / 2
    changes = {
        "components": Components(patients=0.02, residual=0.1, seeds=0.002),
        "num_patients": 100,
        "num_seeds": 5,
        "num_retrainings": 5,
        **changes,
    }
    given = {"value": value, "low": low, "high": high, "spread": Spread(((0.0, 5),)), **changes}
    return dataclasses.replace(ONE, **given)


@pytest.mark.parametrize(
    ("low", "high", "word", "said"),
    [
        (0.01, 0.14, "gain", "New raised accuracy (+7.5 points, 95 % interval over patients and seeds +1.0 to +14.0)"),
        (-0.14, -0.01, "loss", "New lowered accuracy (-7.5 points, "),
        (-0.02, 0.03, "no difference", "New changed accuracy by less than 5 points (+0.5 points, "),
        (0.01, 0.03, "no difference", "+1.0 to +3.0, not 0 but too small to matter)"),
        (-0.3, 0.05, "cannot tell", "cannot tell whether accuracy changes with New (-12.5 points, "),
        (-0.02, 0.05, "cannot tell", "cannot tell"),
        (0.0, 0.08, "cannot tell", "cannot tell"),
    ],
)
def test_the_word_follows_from_the_interval_and_the_margin(low, high, word, said):
    verdict = judge(difference(low, high), 0.05, "New")
    assert verdict.word == word and said in verdict.sentence
    assert (verdict.needs is None) == (word != "cannot tell")


def test_no_difference_is_held_to_bonferronis_correction_and_shows_its_interval():
    # Of nine arms that all differ surely Holm holds the one that differs least to the narrowest interval.
    others = {f"other {i}": difference(0.1, 0.2, p=1e-8) for i in range(8)}
    one = difference(0.0, 0.06, spread=Spread(((1.5e-4, 1000),)), value=0.023, p=0.06)
    last = holm(others | {"one": one})["one"]
    assert last.confidence == pytest.approx(0.95) and last.num_compared == 9
    assert -0.05 < last.low < 0 < last.high < 0.05
    verdict = judge(last, 0.05, "New")
    assert verdict.word == "cannot tell" and "99.4 % interval over patients and seeds -1.1 to +5.7)" in verdict.sentence
    nearer = holm(others | {"one": dataclasses.replace(one, value=0.01)})["one"]
    assert judge(nearer, 0.05, "New").word == "no difference"
    strict = deciding(nearer, "no difference")
    assert strict.confidence == pytest.approx(1 - 0.05 / 9) and strict.high > nearer.high
    assert f"99.4 % interval over patients and seeds {100 * strict.low:+.1f}" in judge(nearer, 0.05).sentence
    assert deciding(nearer, "gain") == nearer


def test_where_lower_is_better_a_fall_is_a_gain():
    lower = difference(-0.3, -0.1, metric="log_loss", better="lower")
    assert judge(lower, 0.05, "New").word == "gain"
    assert judge(lower, 0.05, "New").sentence.startswith("New lowered log-loss (-0.200, 95 %")
    assert judge(difference(0.1, 0.3, metric="log_loss", better="lower"), 0.05).word == "loss"


def test_one_network_never_gives_a_verdict():
    alone = difference(0.01, 0.02, missing=("seeds", "cohorts"), covers=("patients",), num_seeds=1, num_folds=1)
    verdict = judge(alone, 0.05, "New")
    assert verdict.word == "cannot tell" and verdict.needs.seeds >= 1
    assert "one retraining does not show what retraining alone does, it needs about" in verdict.sentence


@pytest.mark.parametrize(
    ("components", "more", "said"),
    [
        (Components(patients=0.3, residual=0.0, seeds=1e-5), "patients", "more patients"),
        (Components(patients=1e-3, residual=0.0, seeds=0.02), "seeds", "more seeds"),
    ],
)
def test_what_is_needed_is_the_bottleneck(components, more, said):
    verdict = judge(difference(-0.1, 0.1, components=components), 0.05, "New")
    assert {name for name, count in vars(verdict.needs).items() if count} == {more}
    assert "a difference of 5 points needs about" in verdict.sentence and verdict.sentence.endswith(said)


def test_cohorts_are_asked_for_where_there_are_some():
    cohorts = difference(
        -0.1, 0.1, components=Components(1e-3, 0.0, 0.001, groups=0.02), num_cohorts=4, num_seeds=1, num_folds=1
    )
    verdict = judge(cohorts, 0.05, "New")
    assert verdict.needs.groups > 4 and "more cohorts" in verdict.sentence


def test_a_study_that_is_large_enough_and_unlucky_is_told_what_decides():
    lucky = difference(-0.01, 0.055, components=Components(0.002, 0.0, 0.0005))
    assert "if the value stays, about" in judge(lucky, 0.05, "New").sentence


def test_a_margin_of_nothing_is_refused():
    with pytest.raises(ValueError, match="margin is 0"):
        judge(ONE, 0)
