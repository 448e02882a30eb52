"""A family without gradient steps: what is learned at once is saved, continued and counted as any training."""

import dataclasses
import json
from typing import Literal

import jax
import numpy as np
import pytest

from lesion_jax.config import DataConfig, TrainingConfig
from lesion_jax.config.fields import compiled
from lesion_jax.errors import DivergedError
from lesion_jax.families import FAMILIES
from lesion_jax.families.base import Family
from lesion_jax.io.progress import Progress
from lesion_jax.train.recorder import Recorder
from lesion_jax.train.run import train
from lesion_jax.train.train_group import train_group
from tests.train.tiny import cohort


@dataclasses.dataclass(frozen=True)
class MeansConfig(TrainingConfig):
    kind: Literal["means"] = compiled("means", doc="Always 'means'.")


CONFIG = MeansConfig(data=DataConfig(dataset="tiny", image_size=32, classic_size=40, batch_size=8))


def learn(config, images):
    # Seed 1 stands for what cannot be learned.
    means = [images.images.pixels[images.images.labels == label].mean((0, 1, 2)) for label in range(3)]
    return {"means": np.array(means, np.float32) * (np.nan if config.seed == 1 else 1)}


def classify(config, num_classes, arrays, pixels):
    away = np.abs(pixels.mean((1, 2))[:, None] - arrays["means"])
    return np.eye(num_classes, dtype=np.float32)[away.argmin(1)], away


@pytest.fixture(autouse=True)
def row(monkeypatch):
    family = Family("means", "Means", "means", MeansConfig, fit=learn, classify=classify)
    monkeypatch.setitem(FAMILIES, "means", family)


def test_killed_after_its_checkpoint_it_is_finished_by_the_same_call(tmp_path, monkeypatch):
    tiny = cohort()

    def killed(recorder, steps):
        recorder.wait()
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Recorder, "finish", killed)
        with pytest.raises(KeyboardInterrupt):
            train(CONFIG, tmp_path, cohort=tiny)
    assert (tmp_path / "checkpoints" / "1").is_dir() and not (tmp_path / "DONE").exists()
    assert train(CONFIG, tmp_path, cohort=tiny)
    assert json.loads((tmp_path / "DONE").read_text())["best_step"] == 1
    assert not train(CONFIG, tmp_path, cohort=tiny)


def test_a_group_counts_them_and_one_that_is_not_finite_is_marked(tmp_path):
    told = []

    class Told(Progress):
        def update(self, done, note=""):
            told.append((done, self._total, note))

    configs = [dataclasses.replace(CONFIG, seed=seed) for seed in range(3)]
    count, failed = train_group(
        [(config, tmp_path / str(config.seed)) for config in configs],
        cohort(),
        devices=jax.devices()[:1],
        slots_per_device=1,
        packing="auto",
        workdir=tmp_path,
        label="",
        progress=Told,
    )
    assert count == 3 and list(failed) == [tmp_path / "1"] and isinstance(failed[tmp_path / "1"], DivergedError)
    assert [(tmp_path / str(i) / name).exists() for i in range(3) for name in ("DONE", "FAILED")] == [
        *(True, False, False, True, True, False)
    ]
    assert told == [(1, 3, ""), (2, 3, "1 diverged"), (3, 3, "1 diverged")]
