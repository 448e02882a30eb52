import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.core.state import GanHyper
from lesion_jax.models.acgan import AuxiliaryDiscriminator, ConditionalGenerator
from lesion_jax.models.dcgan import Discriminator, Generator

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
    return GanHyper(
        **{name: jnp.float32(changes.get(name, value)) for name, value in values.items()},
        **{name: jnp.int32(changes.get(name, value)) for name, value in periods.items()},
    )


def host_batch(size, side=16, num_classes=3, seed=0):
    generator = np.random.default_rng(seed)
    return {
        "hu": generator.integers(-200, 300, (size, side, side)).astype(np.int16),
        "label": generator.integers(0, num_classes, size).astype(np.int32),
        "index": np.arange(size, dtype=np.int32),
    }


@pytest.fixture(params=["dcgan", "acgan"])
def networks(request):
    if request.param == "dcgan":
        return Generator(width=2, image_size=16, dtype=jnp.float32), Discriminator(width=2, dtype=jnp.float32)
    return (
        ConditionalGenerator(num_classes=3, embedding_size=4, width=2, image_size=16, dtype=jnp.float32),
        AuxiliaryDiscriminator(num_classes=3, width=2, dtype=jnp.float32),
    )
