"""What an accelerator does: several steps in a call of one compiled program, of which some may not be taken."""

import dataclasses
import json

import jax
import numpy as np
import pytest

from lesion_jax.io.saved_checkpoints import load_checkpoint
from lesion_jax.train import executor
from lesion_jax.train.run import train
from tests.train.tiny import cohort, configs

# Four programs are compiled.
pytestmark = pytest.mark.slow


def results(path):
    records = [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]
    losses = [record["train/loss/cross_entropy"] for record in records if "train/loss/cross_entropy" in record]
    kept = [load_checkpoint(path / "checkpoints", which) for which in ("last", "best")]
    return [record["step"] for record in records], losses, kept


@pytest.mark.parametrize("num_devices", [1, 2])
def test_calls_of_several_steps_visit_the_same_states(num_devices, tmp_path, monkeypatch):
    config = dataclasses.replace(configs()["classifier"], num_devices=num_devices)
    tiny = cohort()
    train(config, tmp_path / "one", cohort=tiny)
    # Looks after 4 and 8 steps are no multiple of it: calls of 3, 1, 3 and 1 step.
    monkeypatch.setattr(executor, "_STEPS_PER_CALL", {"cpu": 3})
    train(config, tmp_path / "three", cohort=tiny)
    (steps, losses, kept), (others, found, held) = results(tmp_path / "one"), results(tmp_path / "three")
    assert steps == others
    np.testing.assert_allclose(found, losses, rtol=1e-5)
    for (note, arrays), (same, again) in zip(kept, held, strict=True):
        assert note.step == same.step
        jax.tree.map(lambda x, y: np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-6), arrays, again)
