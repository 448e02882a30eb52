"""A classifier with everything that its config offers: resumed, packed beside others, restored."""

import dataclasses

import jax
import numpy as np
import pytest

from benchmarks.same_results import differences, results_of
from lesion_jax import restore_classifier
from lesion_jax.core.types import Images
from lesion_jax.data.bank import save_bank
from lesion_jax.data.training_images import prepare_images, resolve_window
from lesion_jax.errors import Preempted, RunError
from lesion_jax.io.saved_checkpoints import load_checkpoint
from lesion_jax.runtime import preemption
from lesion_jax.train.run import train
from lesion_jax.train.train_group import train_group
from tests.train.tiny import cohort, configs, true_at

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tiny():
    return cohort()


@pytest.fixture(scope="module")
def config(tiny, tmp_path_factory):
    """8 steps, the first 4 with a bank; on devices, see tests/families/test_classifier_recipe.py."""
    config = resolve_window(dataclasses.replace(configs()["classifier"], learning_rate=0.02, num_devices=1), tiny)
    data, facts = config.data, prepare_images(config, tiny).provenance
    facts |= {name: getattr(data, name) for name in ("margin", "partition", "per_class", "subset", "hold_out_inner")}
    facts |= {"run": "by hand", "step": 1, "checkpoint": "last", "fold": 0, "seed": 0}
    pixels = np.random.default_rng(0).normal(0, 100, (30, 32, 32)).astype(np.int16)
    bank = tmp_path_factory.mktemp("banks") / "bank"
    facts |= {"image_size": 32, "window": list(data.window)}
    save_bank(bank, Images(pixels, np.arange(30, dtype=np.int32) % 3), facts)
    data = dataclasses.replace(
        data, banks=(str(bank),), synthetic_size=5, synthetic_share=0.5, synthetic_until=0.5, sampling="balanced"
    )
    return dataclasses.replace(
        config,
        data=data,
        learning_rate_schedule="cosine",
        fine_tuning_rate=0.1,
        weight_decay=1e-3,
        ema_decay=0.9,
        input_scale=4.0,
        mixing="genmix",
        intensity="jitter",
    )


def test_an_interrupted_one_ends_with_the_same_bits_and_none_is_made_longer(config, tiny, tmp_path, monkeypatch):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    train(config, whole, cohort=tiny)
    # Once while the bank is used, once after.
    for _ in range(2):
        monkeypatch.setattr(preemption, "requested", true_at(3))
        with pytest.raises(Preempted):
            train(config, broken, cohort=tiny)
        monkeypatch.undo()
    train(config, broken, cohort=tiny)
    assert differences(results_of(whole), results_of(broken)) == []
    longer = dataclasses.replace(config, loop=dataclasses.replace(config.loop, duration="10 steps"))
    with pytest.raises(RunError, match='loop.duration is "8 steps" there and "10 steps" here'):
        train(longer, whole, cohort=tiny)


def test_members_of_one_program_may_differ_in_every_traced_value(config, tiny, tmp_path):
    members = [
        config,
        dataclasses.replace(
            config, seed=1, weight_decay=1e-2, ema_decay=0.5, input_scale=8.0, mixing_alpha=1.0, intensity_offset=50.0
        ),
    ]
    packed = [(member, tmp_path / f"packed{i}") for i, member in enumerate(members)]
    failed = train_group(
        packed, tiny, devices=jax.devices()[:1], slots_per_device=2, packing="vmap", workdir=tmp_path / "w", label=""
    )
    assert failed == (2, {})
    for i, member in enumerate(members):
        train(member, tmp_path / f"alone{i}", cohort=tiny)
        found, expected = (
            load_checkpoint(tmp_path / f"{name}{i}" / "checkpoints", "last")[1] for name in ("packed", "alone")
        )
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-4), found, expected)


def test_the_average_answers(config, tiny, tmp_path):
    train(config, tmp_path / "run", cohort=tiny)
    restored = restore_classifier(tmp_path / "run")
    pixels = tiny.lesions.lesions[0].patch[None, :32, :32]
    said, _ = restored(pixels)
    trained, average = restored.arrays["networks"]["classifier"], restored.arrays["ema"]["classifier"]
    assert not np.array_equal(trained["params"]["Dense_0"]["kernel"], average["params"]["Dense_0"]["kernel"])
    # With the trained weights in its place it says something else.
    restored.arrays["ema"]["classifier"] = trained
    assert np.abs(restored(pixels)[0] - said).max() > 1e-6
