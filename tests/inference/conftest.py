import dataclasses

import pytest

from lesion_jax.config import DataConfig, LoopConfig
from lesion_jax.core.types import LesionSet
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import folds_of, save_folds
from lesion_jax.data.lesion_arrays import write_lesion_arrays
from lesion_jax.families import AcganConfig, ClassifierConfig, DcganConfig, RpganConfig
from lesion_jax.train.run import train
from tests.train import tiny

# Long enough for the running variances to leave their start at one: before, every image is grey.
LOOP = LoopConfig(
    duration="40 steps",
    log_every="40 steps",
    evaluate_every="0 steps",
    checkpoint_every="20 steps",
    pictures_every="0 steps",
)
DATA = DataConfig(dataset="moved away", image_size=32, classic_size=40, batch_size=8)
# With this seed's weights every label shows in every image. A moving average, so that a test can tell it from the
# generator that is trained.
GAN = {
    "width": 2,
    "discriminator_width": 2,
    "latent_size": 6,
    "num_devices": 1,
    "learning_rate": 0.01,
    "ema_decay": 0.5,
    "seed": 2,
}
CONFIGS = {
    "classifier": ClassifierConfig(width=4, learning_rate=0.02, num_devices=1, data=DATA, loop=LOOP),
    "averaged": ClassifierConfig(
        width=4, learning_rate=0.02, ema_decay=0.9, input_scale=4.0, num_devices=1, data=DATA, loop=LOOP
    ),
    "dcgan": DcganConfig(data=dataclasses.replace(DATA, label="metastasis"), loop=LOOP, **GAN),
    "acgan": AcganConfig(data=DATA, loop=LOOP, **GAN),
    "rpgan": RpganConfig(
        width=2, discriminator_width=2, num_blocks=1, latent_size=6, num_devices=1, data=DATA, loop=LOOP
    ),
}


@pytest.fixture(scope="session")
def cohort():
    made = tiny.cohort()
    # Its fingerprint is that of the content, as one that is read from a disk has it.
    lesions = LesionSet.of(made.lesions.lesions, made.lesions.class_names, made.lesions.unit)
    return Cohort(lesions, folds_of(lesions, made.folds.fold_of, 0))


@pytest.fixture(scope="session")
def dataset(cohort, tmp_path_factory):
    """Where the dataset of the runs lies now; their configs name another place."""
    folder = tmp_path_factory.mktemp("dataset")
    write_lesion_arrays(cohort.lesions, folder)
    save_folds(cohort.folds, folder / "folds.json")
    return folder


@pytest.fixture(scope="session")
def runs(cohort, tmp_path_factory):
    """Name of a config -> directory of a short training of it, trained for the first test that asks."""
    folder = tmp_path_factory.mktemp("runs")

    class Runs(dict):
        def __missing__(self, name):
            train(CONFIGS[name], folder / name, cohort=cohort)
            self[name] = folder / name
            return self[name]

    return Runs()
