"""Restoring what was learned without gradient steps and draws by the training images."""

import dataclasses
import json
import shutil
from typing import Literal

import numpy as np
import pytest

from lesion_jax import restore_classifier, restore_generator
from lesion_jax.config import TrainingConfig
from lesion_jax.data.augment import original
from lesion_jax.data.folds import make_folds, save_folds
from lesion_jax.data.origins import Origins
from lesion_jax.errors import RunError
from lesion_jax.families import FAMILIES, Family
from lesion_jax.families.context import seeds_of
from lesion_jax.inference.export import export_run
from lesion_jax.inference.load import load_run_config
from lesion_jax.inference.own_lesions import own_lesions
from lesion_jax.train.run import train
from tests.inference.conftest import DATA

LABELS = np.arange(70, dtype=np.int32) % 3


def test_it_is_restored_alike_and_may_draw_by_the_training_images(cohort, dataset, tmp_path, monkeypatch):
    monkeypatch.setitem(FAMILIES, "copier", COPIER)
    config = CopierConfig(data=DATA)
    run = tmp_path / "run"
    train(config, run, cohort=cohort)
    with pytest.raises(RunError, match=r"moved away; say where it lies now"):
        restore_generator(run)
    generator = restore_generator(run, dataset=dataset)
    assert generator.step == 1 and generator.config == load_run_config(run)
    images = generator(LABELS, 3)
    np.testing.assert_array_equal(generator(LABELS[:5], 3), images[:5])
    by_id = {lesion.lesion_id: lesion for lesion in generator.context.lesions}
    told = generator.origins(LABELS, 3)
    seen = [original(by_id[name], generator.context.image_size, generator.context.margin) for name in told.tissue]
    np.testing.assert_array_equal(images - 7, seen)
    assert set(told.patients.values()) <= {lesion.patient for lesion in own_lesions(run, "train", dataset)}
    folds = json.loads((dataset / "folds.json").read_text())
    shuffled = make_folds(cohort.lesions, 3, 1)
    assert shuffled.fingerprint != folds["fingerprint"]
    other = tmp_path / "other folds"
    shutil.copytree(dataset, other)
    save_folds(shuffled, other / "folds.json")
    with pytest.raises(RunError, match=r"was trained on the folds .* may be tested on there"):
        restore_generator(run, dataset=other)
    with pytest.raises(ValueError, match=r"\(Copier\) has no latents; call it with labels and a seed"):
        generator.from_latents(np.zeros((70, 6), np.float32), LABELS)
    with pytest.raises(RunError, match=r"\(Copier\) cannot be exported; name a run of: Classifier, DCGAN, ACGAN"):
        export_run(run, tmp_path / "export")
    with pytest.raises(RunError, match=r"\(Copier\) cannot classify"):
        restore_classifier(run)


@dataclasses.dataclass(frozen=True)
class CopierConfig(TrainingConfig):
    kind: Literal["copier"] = "copier"


def chosen(image_keys, labels, context):
    drawn = zip(seeds_of(image_keys), labels.tolist(), strict=True)
    return [(own := context.of_label(label))[seed % len(own)] for seed, label in drawn]


def copy(config, num_classes, arrays, image_keys, labels, context):
    """A training image of the class, brighter by what was learned."""
    found = [original(lesion, context.image_size, context.margin) for lesion in chosen(image_keys, labels, context)]
    return np.stack(found) + np.int16(arrays["offset"])


def origins_of_copies(config, num_classes, arrays, image_keys, labels, context):
    found = chosen(image_keys, labels, context)
    return Origins.of([[lesion] for lesion in found], found)


COPIER = Family(
    name="copier",
    title="Copier",
    stream="copier",
    config=CopierConfig,
    draw=copy,
    origins=origins_of_copies,
    fit=lambda config, images: {"offset": np.int32(7)},
)
