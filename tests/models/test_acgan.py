import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.models.acgan import AuxiliaryDiscriminator, ConditionalGenerator
from lesion_jax.models.dcgan import Discriminator
from tests.models.conftest import FLOAT32, create, dtypes, num_parameters, run, shapes


def test_parameter_counts_beside_the_dcgans():
    z, labels = jnp.zeros((2, 100)), jnp.zeros(2, jnp.int32)
    image, variables = shapes(ConditionalGenerator(3), z, labels, train=True)
    # Ten more inputs of the dense layer, and three embeddings of ten.
    assert num_parameters(variables) == 18_848_641 + 10 * 4 * 4 * 1024 + 3 * 10
    assert image.shape == (2, 64, 64, 1)
    images = jnp.zeros((2, 64, 64, 1))
    (source, classes), variables = shapes(AuxiliaryDiscriminator(3), images, train=True)
    _, plain = shapes(Discriminator(), images, train=True)
    assert num_parameters(variables) == num_parameters(plain) + 4 * 4 * 512 * 3 + 3
    assert source.shape == (2,) and classes.shape == (2, 3)


@pytest.mark.slow
def test_the_class_changes_the_image_from_the_start():
    generator = ConditionalGenerator(3, embedding_size=4, width=2, image_size=16)
    z = jnp.repeat(jax.random.uniform(jax.random.key(0), (1, 7), minval=-1.0), 3, axis=0)
    variables = create(generator, z, jnp.arange(3), train=True)
    images = run(generator, variables, z, jnp.arange(3), train=False)
    assert len(np.unique(np.asarray(images).reshape(3, -1), axis=0)) == 3
    same = run(generator, variables, z, jnp.zeros(3, jnp.int32), train=False)
    np.testing.assert_allclose(same[0], same[2], atol=1e-6)


@pytest.mark.slow
def test_bfloat16_keeps_float32_parameters_statistics_and_outputs():
    z, labels = jax.random.normal(jax.random.key(0), (4, 7)), jnp.arange(4) % 3
    generator = ConditionalGenerator(3, embedding_size=4, width=2, image_size=16, dtype=jnp.bfloat16)
    discriminator = AuxiliaryDiscriminator(3, width=2, dtype=jnp.bfloat16)
    variables = create(generator, z, labels, train=True)
    image = run(generator, variables, z, labels, train=False)
    judge = create(discriminator, image, train=True)
    assert dtypes((image, variables, judge, run(discriminator, judge, image, train=False))) == FLOAT32
    grads = jax.jit(jax.grad(lambda p: discriminator.apply({**judge, "params": p}, image, train=False)[1].sum()))(
        judge["params"]
    )
    assert dtypes(grads) == FLOAT32
    # One image in bfloat16 differs from the same in float32, but not by much: the option computes, and correctly.
    exact = ConditionalGenerator(3, embedding_size=4, width=2, image_size=16)
    difference = abs(run(exact, variables, z, labels, train=False) - run(generator, variables, z, labels, train=False))
    assert 0 < float(difference.max()) < 0.05


@pytest.mark.slow
def test_latents_outweigh_the_class_at_the_start():
    # With an embedding of N(0, 1) the ratio is near 3, and training collapsed to one image per class.
    generator = ConditionalGenerator(3, width=4, image_size=16)
    z = jnp.repeat(jax.random.uniform(jax.random.key(0), (8, 100), minval=-1.0), 3, axis=0)
    labels = jnp.tile(jnp.arange(3), 8)
    variables = create(generator, z, labels, train=True)
    images, _ = run(generator, variables, z, labels, train=True, mutable=["batch_stats"])
    images = images.reshape(8, 3, -1)
    assert images.var(0).mean() > 50 * images.var(1).mean()
