"""The protocol on made-up trainings: its stages, what each fold chooses, and what is asked of which checkpoint."""

import dataclasses

import pytest

from lesion_jax.errors import ConfigError
from lesion_jax.families import FAMILIES, AcganConfig, OracleConfig
from lesion_jax.paper import stages
from lesion_jax.paper.arms import ARMS, PAPER_ARMS, Arm
from lesion_jax.paper.config import PaperConfig
from tests.paper.made_up import MadeUp, models, paper_config


def best_at(*sizes):
    """Right answers of a run: most at one size in each fold, of classic and of synthetic images."""

    def share(name, which):
        classic, synthetic = sizes[int(name.split("fold")[1][0])]
        return 0.5 + 0.2 * (f"classic-{classic}" in name) + 0.2 * name.endswith(f"-{synthetic}")

    return share


def test_stages_come_in_order_and_are_those_that_are_counted():
    found = MadeUp(paper_config())
    found.run()
    titles = [stage for stage, named in found.trained]
    assert titles[:3] == ["trainings without synthetic images", "DCGAN", "ACGAN"]
    assert titles.index("Classic + DCGAN") > titles.index("ACGAN")
    trained = {name for _, named in found.trained for name in named}
    assert len(trained) == stages.counts(found.trainings).total()
    # Stage by stage the same numbers, whatever sizes were chosen.
    seen, new = set(), []
    for _, named in found.trained:
        new.append(len(set(named) - seen))
        seen |= set(named)
    assert [n for n in new if n] == [len(stage) for stage in stages.largest(found.trainings)]


def test_each_fold_goes_on_with_the_size_that_it_chose():
    found = MadeUp(paper_config(), best_at((60, 10), (120, 20), (60, 20)))
    findings = found.run()
    assert findings.gan_sizes == (60, 120, 60)
    assert findings.arms["none"].classic_sizes == (0, 0, 0)
    assert findings.arms["classic"].classic_sizes == (60, 120, 60)
    assert findings.arms["dcgan"].synthetic_sizes == (10, 20, 20)
    gans = next(named for stage, named in found.trained if stage == "ACGAN")
    assert gans == ["seed0/fold0/acgan-on-60", "seed0/fold1/acgan-on-120", "seed0/fold2/acgan-on-60"]
    mixed = next(named for stage, named in found.trained if stage == "Classic + ACGAN")
    assert mixed[1] == "seed0/fold1/classic-120+acgan-10" and len(mixed) == 6


def test_no_augmentation_is_never_chosen_for_another_arm():
    findings = MadeUp(paper_config(), best_at((0, 10), (0, 10), (0, 10))).run()
    assert 0 not in findings.arms["classic"].classic_sizes


def test_outcomes_are_those_of_the_chosen_runs():
    found = MadeUp(paper_config(seeds=(0, 1)), best_at((60, 10), (120, 20), (60, 20)))
    outcomes = found.run().arms["dcgan"].outcomes
    assert (len(outcomes), len(outcomes[0])) == (2, 3)
    assert all(0.8 < outcome.test.accuracy < 1 for folds in outcomes for outcome in folds)


def test_a_shared_training_is_asked_once():
    found = MadeUp(paper_config())
    found.run()
    # Inner and test lesions of each.
    assert all(found.asked.count(one) == 2 for one in found.asked)


def test_the_checkpoint_that_answers_is_the_familys():
    found = MadeUp(paper_config())
    found.run()
    assert {which for name, which in found.asked if "/acgan-on" in name} == {"last"}
    assert {which for name, which in found.asked if "/classic-" in name} == {"best"}
    assert {which for *_, which in found.drawn} == {"best"}
    chosen_on_test = MadeUp(paper_config(selection="test"))
    findings = chosen_on_test.run()
    assert {which for _, which in chosen_on_test.asked} == {"last"}
    assert findings.arms["classic"].outcomes[0][0].inner is None


def test_banks_are_drawn_for_arms_with_a_generator_alone():
    found = MadeUp(paper_config(arms=("classic", "dcgan", "acgan_discriminator")))
    found.run()
    assert len(found.drawn) == 9
    name, num, out, seed, _ = found.drawn[0]
    # The larger of two sizes, for two training folds.
    assert (num, seed, out) == (2 * 20, 0, f"/w/banks/{name}")


def test_an_arm_of_another_predictor_without_steps_goes_the_same_way(monkeypatch):
    @dataclasses.dataclass(frozen=True)
    class WordsConfig(type(models()["classifier"])):
        kind: str = "words"

    family = dataclasses.replace(FAMILIES["classifier"], name="words", title="Words", config=WordsConfig)
    monkeypatch.setitem(FAMILIES, "words", family)
    monkeypatch.setitem(ARMS, "words", Arm("words", "Visual words", "#E69F00", "P", predictor="words"))
    words = WordsConfig(
        **{f.name: getattr(models()["classifier"], f.name) for f in dataclasses.fields(WordsConfig)[1:]}
    )
    found = MadeUp(paper_config(models=models(words=words), arms=(*PAPER_ARMS, "words")))
    findings = found.run()
    assert "seed0/fold0/words-on-120" in found.trained[0][1]
    assert set(findings.arms["words"].classic_curve) == {0, 60, 120}


def test_a_model_named_after_its_family_needs_no_line_in_the_config(monkeypatch):
    monkeypatch.setitem(FAMILIES, "second", dataclasses.replace(FAMILIES["acgan"], name="second"))
    row = dataclasses.replace(ARMS["acgan"], name="new", generator="second")
    monkeypatch.setitem(ARMS, "new", row)
    assert PaperConfig().models["second"] == AcganConfig()


def test_settings_that_only_a_later_stage_would_meet_are_refused_at_the_start(monkeypatch):
    # An ACGAN that answers may not be trained on synthetic images.
    row = Arm("new", "New", "#E69F00", "P", predictor="acgan", generator="dcgan", chosen=("synthetic_size",))
    monkeypatch.setitem(ARMS, "new", row)
    with pytest.raises(ConfigError, match="never trained on a bank"):
        MadeUp(paper_config(arms=("classic", "new")))
    oracle = OracleConfig(num_devices=1, data=models()["classifier"].data)
    with pytest.raises(ConfigError, match="oracle.*: kind is 'oracle', .* is no phantom's"):
        MadeUp(paper_config(models=models(oracle=oracle), arms=("classic", "oracle")))
