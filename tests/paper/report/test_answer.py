"""The first sentences: their wording follows from the verdicts, and from nothing else."""

from lesion_jax.paper.report.answer import answer, other_arms, scale


def arm(title, generator, word):
    verdict = {"word": word, "sentence": f"{title}: {word}"}
    difference = {"verdict": verdict, "num_lesions": 60, "num_patients": 30}
    return {"title": title, "generator": generator, "difference": difference}


BASELINE = {"title": "Classic", "generator": None, "difference": None}


def results(*arms, selection="inner", departures=(), broken=()):
    protocol = {"selection": selection, "departures": [{"setting": name} for name in departures]}
    return {"arms": [BASELINE, *arms], "protocol": protocol, "broken": list(broken)}


def test_every_arm_with_synthetic_images_is_in_the_first_sentence_and_the_others_are_in_the_second():
    found = results(
        arm("One", "a generator", "gain"), arm("Two", "another", "no difference"), arm("Mixup", None, "loss")
    )
    assert answer(found) == (
        "On 60 lesions of 30 patients, against classic augmentation alone: One: gain; Two: no difference."
    )
    assert other_arms(found) == "Without synthetic images, likewise: Mixup: loss."
    assert other_arms(results()) == ""


def test_a_generator_that_failed_comes_before_any_verdict():
    said = answer(results(arm("One", "a generator", "gain"), broken=["One failed."]))
    assert said.startswith("One failed. On 60 lesions")


def test_what_cannot_be_told_is_said_last():
    arms = [arm("One", "a generator", "cannot tell"), arm("Two", "a generator", "no difference")]
    assert answer(results(*arms)).endswith("Two: no difference; One: cannot tell.")


def test_the_answer_without_synthetic_arms_and_with_the_papers_way_of_choosing():
    assert "optimistically so, chosen on the test folds" in answer(results(arm("One", "a", "gain"), selection="test"))
    assert "it cannot say" in answer(results(arm("Mixup", None, "gain")))


def test_a_run_that_is_not_of_the_papers_size_says_so():
    assert "not of the paper's size" in scale(results(departures=("dcgan.width",)))
    assert "not of the paper's size" in scale(results(departures=("dcgan.loop.duration",)))
    assert scale(results(departures=("dcgan.ema_decay",))) == ""
