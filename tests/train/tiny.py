"""The smallest states, batches and studies that a step or a run can take."""

import itertools

import jax.numpy as jnp
import numpy as np

from lesion_jax.config import DataConfig, LoopConfig
from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import Folds
from lesion_jax.families import AcganConfig, ClassifierConfig, DcganConfig

WINDOW = (-160.0, 240.0)


def gan_hyper(**changes):
    values = {
        "learning_rate": 2e-4,
        "beta1": 0.5,
        "beta2": 0.999,
        "label_smoothing": 0.0,
        "class_weight": 1.0,
        "ema_decay": 0.0,
    }
    periods = {"generator_every": 1, "discriminator_every": 1}
    return {name: jnp.float32(changes.get(name, value)) for name, value in values.items()} | {
        name: jnp.int32(changes.get(name, value)) for name, value in periods.items()
    }


def classifier_hyper(learning_rate=0.05):
    return {"learning_rate": jnp.float32(learning_rate), "momentum": jnp.float32(0.9), "mean": jnp.float32(0.4)}


def host_batch(size, side=16, num_classes=3, seed=0):
    generator = np.random.default_rng(seed)
    return {
        "pixels": generator.integers(-200, 300, (size, side, side)).astype(np.int16),
        "label": generator.integers(0, num_classes, size).astype(np.int32),
        "index": np.arange(size, dtype=np.int32),
    }


def configs():
    """One small run of 8 steps on two devices for each kind."""
    loop = LoopConfig(
        duration="8 steps",
        log_every="1 steps",
        evaluate_every="4 steps",
        checkpoint_every="4 steps",
        pictures_every="4 steps",
    )
    data = DataConfig(dataset="tiny", image_size=32, classic_size=40, batch_size=8)
    small = {"width": 2, "discriminator_width": 2, "latent_size": 6, "num_devices": 2, "data": data, "loop": loop}
    return {
        "dcgan": DcganConfig(**small),
        "acgan": AcganConfig(learning_rate=2e-4, **small),
        "classifier": ClassifierConfig(width=2, num_devices=2, data=data, loop=loop),
    }


def cohort(num_patients=30, side=61):
    """60 lesions of 3 classes in 30 patients; each class has a grey level of its own."""
    generator = np.random.default_rng(0)
    names = ("cyst", "metastasis", "hemangioma")
    lesions = []
    for i in range(2 * num_patients):
        label = i // 2 % 3
        patch = generator.normal(-100 + 100 * label, 40, (side, side)).astype(np.int16)
        lesions.append(Lesion(f"lesion{i:02}", f"patient{i // 2:02}", label, 14.0, (1.0, 1.0), (30.0, 30.0), patch))
    found = LesionSet(tuple(lesions), names, "HU", "fingerprint of the tiny cohort")
    # By hand: making them imports scikit-learn, which takes a process longer than reading all of its images.
    fold_of = {f"patient{i:02}": i // 3 % 3 for i in range(num_patients)}
    inner = [frozenset(p for p, other in fold_of.items() if other != fold and p < "patient06") for fold in range(3)]
    return Cohort(found, Folds(3, 0, fold_of, tuple(inner), found.fingerprint, "fingerprint of its folds"))


def true_at(number):
    """A function without arguments that is true at its so-manieth call, and only there."""
    calls = itertools.count(1)
    return lambda: next(calls) == number
