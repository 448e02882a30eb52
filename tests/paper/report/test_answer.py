"""The first sentences: their wording follows from the intervals, and from nothing else."""

import pytest

from lesion_jax.paper.report.answer import answer, other_arms, scale


def arm(title, generator, value, low, high):
    difference = {"value": value, "low": low, "high": high, "n": 60, "num_patients": 30}
    return {"title": title, "generator": generator, "difference": difference}


BASELINE = {"title": "Classic", "generator": None, "difference": None}


def results(*arms, selection="inner", departures=()):
    protocol = {"selection": selection, "departures": [{"setting": name} for name in departures]}
    return {"arms": [BASELINE, *arms], "protocol": protocol}


@pytest.mark.parametrize(
    ("interval", "said"),
    [
        ((0.07, 0.01, 0.14), "New raised accuracy (+7.0 points, 95 % interval over patients +1.0 to +14.0)"),
        ((-0.07, -0.14, -0.01), "New lowered accuracy (-7.0 points"),
        # Narrow about 0: no change that matters.
        ((0.01, -0.02, 0.03), "New brought no change of 5 points or more (+1.0 points"),
        # Wide: neither a gain nor its absence is shown, whichever way the value leans.
        ((0.03, -0.02, 0.08), "this run cannot tell whether accuracy changes with New (+3.0 points, 95 %"),
        ((-0.03, -0.12, 0.03), "cannot tell whether accuracy changes with New (-3.0 points"),
        ((0.0, -0.05, 0.0), "cannot tell whether accuracy changes with New (+0.0 points"),
    ],
)
def test_the_answer_follows_from_the_interval(interval, said):
    assert said in answer(results(arm("New", "a generator", *interval)))


def test_every_arm_with_synthetic_images_is_in_the_first_sentence_and_the_others_are_in_the_second():
    found = results(
        arm("One", "a generator", 0.07, 0.01, 0.14),
        arm("Two", "another", -0.07, -0.14, -0.01),
        arm("Mixup", None, 0.07, 0.01, 0.14),
    )
    assert answer(found) == (
        "On 60 lesions of 30 patients, against classic augmentation alone: One raised accuracy (+7.0 points, 95 % "
        "interval over patients +1.0 to +14.0); Two lowered accuracy (-7.0 points, 95 % interval over patients -14.0 "
        "to -1.0)."
    )
    assert other_arms(found).startswith("Without synthetic images, likewise: Mixup raised accuracy (+7.0 points")
    assert "Classic" not in other_arms(found) and other_arms(results()) == ""


def test_what_cannot_be_told_is_said_once_and_last():
    arms = [arm(name, "a generator", 0.0, -0.1, 0.1) for name in ("One", "Two")]
    said = answer(results(*arms, arm("Three", "a generator", 0.07, 0.01, 0.14)))
    assert said.index("Three raised") < said.index("cannot tell whether accuracy changes with One (+0.0 points")
    assert "-10.0 to +10.0) or Two (" in said and said.count("cannot tell") == 1


def test_the_answer_without_synthetic_arms_and_with_the_papers_way_of_choosing():
    found = results(arm("One", "a generator", 0.07, 0.01, 0.14), selection="test")
    assert "optimistically so, chosen on the test folds" in answer(found)
    assert "it cannot say" in answer(results(arm("Mixup", None, 0.07, 0.01, 0.14)))


def test_a_run_says_what_it_is_too_small_for():
    wide, narrow = arm("One", "a generator", 0.03, -0.08, 0.14), arm("Two", "another", 0.07, 0.01, 0.14)
    assert "too few lesions to tell: the widest interval spans 22 points" in scale(results(wide, narrow))
    assert scale(results(narrow)) == ""
    assert "not of the paper's size" in scale(results(narrow, departures=("dcgan.width",)))
    assert "not of the paper's size" in scale(results(narrow, departures=("dcgan.loop.duration",)))
    assert scale(results(narrow, departures=("dcgan.ema_decay",))) == ""
