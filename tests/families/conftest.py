import jax.numpy as jnp
import pytest

from lesion_jax.models.acgan import AuxiliaryDiscriminator, ConditionalGenerator
from lesion_jax.models.dcgan import Discriminator, Generator


@pytest.fixture(params=["dcgan", "acgan"])
def networks(request):
    if request.param == "dcgan":
        return Generator(width=2, image_size=16, dtype=jnp.float32), Discriminator(width=2, dtype=jnp.float32)
    return (
        ConditionalGenerator(num_classes=3, embedding_size=4, width=2, image_size=16, dtype=jnp.float32),
        AuxiliaryDiscriminator(num_classes=3, width=2, dtype=jnp.float32),
    )
