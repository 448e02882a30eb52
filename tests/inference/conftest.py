import pytest

from lesion_jax.config import ClassifierConfig, DataConfig, GanConfig, LoopConfig
from lesion_jax.train.run import train
from tests.train.tiny import study

# Long enough for the running variances to leave their start at one: before, every image is grey.
LOOP = LoopConfig(
    duration="40 steps",
    log_every="40 steps",
    evaluate_every="0 steps",
    checkpoint_every="40 steps",
    pictures_every="0 steps",
)
DATA = DataConfig(dataset="tiny", image_size=32, classic_size=40, batch_size=8)
# A moving average, so that a test can tell it from the generator that is trained.
GAN = {
    "width": 2,
    "discriminator_width": 2,
    "latent_size": 6,
    "num_devices": 1,
    "learning_rate": 0.01,
    "ema_decay": 0.5,
}
CONFIGS = {
    "classifier": ClassifierConfig(width=4, learning_rate=0.01, num_devices=1, data=DATA, loop=LOOP),
    "dcgan": GanConfig(data=DataConfig(**{**vars(DATA), "label": "metastasis"}), loop=LOOP, **GAN),
    "acgan": GanConfig(kind="acgan", data=DATA, loop=LOOP, **GAN),
}


@pytest.fixture(scope="session")
def runs(tmp_path_factory):
    """Kind -> directory of a short training of it."""
    folder = tmp_path_factory.mktemp("runs")
    for kind, config in CONFIGS.items():
        train(config, folder / kind, study=study())
    return {kind: folder / kind for kind in CONFIGS}
