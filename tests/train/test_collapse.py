import dataclasses
import json
import logging

import pytest

from lesion_jax.errors import Preempted
from lesion_jax.io.saved_checkpoints import last_step
from lesion_jax.runtime import preemption
from lesion_jax.train import evaluation, recorder
from lesion_jax.train.run import train
from tests.train.tiny import cohort, configs, true_at

pytestmark = pytest.mark.slow

# The very program of other tests: any GAN will do.
GAN = dataclasses.replace(configs()["acgan"], num_devices=1)


@pytest.fixture(scope="module")
def tiny():
    return cohort()


@pytest.fixture
def collapsed_from(monkeypatch):
    """Lets every GAN collapse at a step."""

    def at(first):
        def describe(step, scored, class_names, health):
            varieties = scored["metrics"]["variety"]["per_class"]
            assert (
                set(varieties) == {0, 1, 2}
                and all(v >= 0 for v in varieties.values())
                and health["loss/discriminator"] > 0
            )
            assert class_names == ("cyst", "metastasis", "hemangioma")
            return f"Step {step}: collapsed." if step >= first else None

        monkeypatch.setattr(evaluation, "describe_collapse", describe)
        monkeypatch.setattr(recorder, "MIN_STEPS", 4)

    return at


def test_a_collapse_stops_the_run_and_the_last_good_checkpoint_is_kept(collapsed_from, tiny, tmp_path, caplog):
    collapsed_from(5)
    stopping = dataclasses.replace(GAN, on_collapse="stop")
    with caplog.at_level(logging.WARNING):
        assert train(stopping, tmp_path, cohort=tiny)
    # A sweep trains many: whose it is.
    assert f"{tmp_path}: Step 8: collapsed." in caplog.text
    assert last_step(tmp_path / "checkpoints") == 4
    done = json.loads((tmp_path / "DONE").read_text())
    assert done == {"steps": 8, "best_step": 4, "collapse": "Step 8: collapsed."}
    assert not train(stopping, tmp_path, cohort=tiny)


def test_one_that_never_was_good_keeps_what_it_has(collapsed_from, tiny, tmp_path):
    collapsed_from(0)
    train(dataclasses.replace(GAN, on_collapse="stop"), tmp_path, cohort=tiny)
    assert last_step(tmp_path / "checkpoints") == 4
    assert json.loads((tmp_path / "DONE").read_text())["steps"] == 4


def test_by_default_it_is_only_said(collapsed_from, tiny, tmp_path, caplog):
    collapsed_from(5)
    with caplog.at_level(logging.WARNING):
        train(GAN, tmp_path, cohort=tiny)
    assert "Step 8: collapsed." in caplog.text
    assert last_step(tmp_path / "checkpoints") == 8
    # It is not the best, however it scores, and what is drawn from it says so.
    assert json.loads((tmp_path / "DONE").read_text()) == {"steps": 8, "best_step": 4, "collapse": "Step 8: collapsed."}
    records = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    health = [record for record in records if "inner/variety/cyst" in record]
    assert [record["step"] for record in health] == [4, 8]
    # Still near its start at one, and moving.
    losses = [record["health/loss/discriminator"] for record in health]
    assert losses[0] != losses[1] and all(0.9 < loss < 1.5 for loss in losses)


def test_a_collapse_is_remembered_by_a_run_that_is_continued(collapsed_from, tiny, tmp_path, monkeypatch):
    collapsed_from(0)
    monkeypatch.setattr(preemption, "requested", true_at(5))
    with pytest.raises(Preempted):
        train(GAN, tmp_path, cohort=tiny)
    monkeypatch.setattr(preemption, "requested", lambda: False)
    collapsed_from(100)
    train(GAN, tmp_path, cohort=tiny)
    assert json.loads((tmp_path / "DONE").read_text())["collapse"] == "Step 4: collapsed."


def test_what_was_saved_unjudged_after_the_last_good_one_goes_when_it_stops(collapsed_from, tiny, tmp_path):
    collapsed_from(5)
    loop = dataclasses.replace(GAN.loop, checkpoint_every="1 steps")
    train(dataclasses.replace(GAN, on_collapse="stop", loop=loop), tmp_path, cohort=tiny)
    assert last_step(tmp_path / "checkpoints") == 4


def test_before_it_counts_it_is_not_said(collapsed_from, tiny, tmp_path, monkeypatch, caplog):
    collapsed_from(0)
    monkeypatch.setattr(recorder, "MIN_STEPS", 500)
    with caplog.at_level(logging.WARNING):
        train(GAN, tmp_path, cohort=tiny)
    assert "Step 8: collapsed." in caplog.text and "Step 4" not in caplog.text
    assert json.loads((tmp_path / "DONE").read_text())["collapse"] == "Step 8: collapsed."


def test_of_a_short_training_it_is_said_at_the_end_and_forgotten_when_it_is_made_longer(
    collapsed_from, tiny, tmp_path, monkeypatch
):
    collapsed_from(0)
    monkeypatch.setattr(recorder, "MIN_STEPS", 500)
    short = dataclasses.replace(GAN, on_collapse="stop", loop=dataclasses.replace(GAN.loop, duration="4 steps"))
    assert train(short, tmp_path, cohort=tiny)
    assert json.loads((tmp_path / "DONE").read_text()) == {"steps": 4, "best_step": 4, "collapse": "Step 4: collapsed."}
    collapsed_from(100)
    monkeypatch.setattr(recorder, "MIN_STEPS", 500)
    assert train(dataclasses.replace(short, loop=GAN.loop), tmp_path, cohort=tiny)
    assert json.loads((tmp_path / "DONE").read_text())["collapse"] is None
