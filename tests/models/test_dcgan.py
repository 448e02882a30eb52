import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.models.dcgan import Discriminator, Generator
from tests.models.conftest import FLOAT32, create, dtypes, layer_shapes, num_parameters, run, shapes

LABELS = jnp.zeros(2, jnp.int32)


def test_the_papers_generator():
    image, variables = shapes(Generator(), jnp.zeros((2, 100)), LABELS, train=True)
    weights = 100 * 4 * 4 * 1024 + 25 * (1024 * 512 + 512 * 256 + 256 * 128 + 128 * 1)
    norms = 2 * (1024 + 512 + 256 + 128)
    assert num_parameters(variables) == weights + norms + 1 == 18_848_641
    # The paper's 18.9 M counts biases that its batch norms take out again.
    dead_biases = 4 * 4 * 1024 + 512 + 256 + 128
    assert round((18_848_641 + dead_biases) / 1e6, 1) == 18.9
    assert image.shape == (2, 64, 64, 1)


def test_the_papers_generator_layer_by_layer():
    layers = layer_shapes(Generator(), jnp.zeros((2, 100)), LABELS, train=True)
    assert layers["Dense_0"] == (2, 4 * 4 * 1024)
    assert [layers[f"UpConv_{i}"] for i in range(4)] == [
        (2, 8, 8, 512),
        (2, 16, 16, 256),
        (2, 32, 32, 128),
        (2, 64, 64, 1),
    ]
    assert [layers[f"BatchNorm_{i}"][-1] for i in range(4)] == [1024, 512, 256, 128]
    assert "BatchNorm_4" not in layers


@pytest.mark.parametrize(("width", "millions"), [(64, 4.3), (128, 17.2)])
def test_the_papers_discriminator(width, millions):
    (source, classes), variables = shapes(Discriminator(width), jnp.zeros((2, 64, 64, 1)), train=True)
    w1, w2, w4, w8 = (width * n for n in (1, 2, 4, 8))
    weights = 25 * (w1 + w1 * w2 + w2 * w4 + w4 * w8) + 4 * 4 * w8
    assert num_parameters(variables) == weights + 2 * (w2 + w4 + w8) + w1 + 1
    assert round(weights / 1e6, 1) == millions
    assert source.shape == (2,) and classes is None


def test_the_papers_discriminator_layer_by_layer():
    layers = layer_shapes(Discriminator(64), jnp.zeros((2, 64, 64, 1)), train=True)
    sides = [layers[f"body/DownConv_{i}"] for i in range(4)]
    assert sides == [(2, 32, 32, 64), (2, 16, 16, 128), (2, 8, 8, 256), (2, 4, 4, 512)]
    assert [layers[f"body/BatchNorm_{i}"][-1] for i in range(3)] == [128, 256, 512]
    assert layers["source"] == (2, 1) and "body/BatchNorm_3" not in layers


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
@pytest.mark.parametrize("side", [16, pytest.param(32, marks=pytest.mark.slow)])
def test_images_are_float32_in_the_range_of_tanh_at_any_side(side, dtype):
    generator = Generator(width=2, image_size=side, dtype=dtype)
    z = jax.random.uniform(jax.random.key(0), (4, 7), minval=-1.0)
    labels = jnp.zeros(4, jnp.int32)
    variables = create(generator, z, labels, train=True)
    # Weights a hundred times too large must not leave the range either.
    loud = {**variables, "params": jax.tree.map(lambda p: 100 * p, variables["params"])}
    for chosen in (variables, loud):
        image, updated = run(generator, chosen, z, labels, train=True, mutable=["batch_stats"])
        assert image.shape == (4, side, side, 1)
        assert dtypes((chosen, image, updated)) == FLOAT32
        assert float(abs(image).max()) <= 1.0 and float(image.std()) > 0
    assert float(abs(image).max()) > 0.99


@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bfloat16])
def test_judgements_are_unbounded_float32_logits(dtype):
    discriminator = Discriminator(width=2, dtype=dtype)
    x = jax.random.uniform(jax.random.key(0), (6, 16, 16, 1), minval=-1.0)
    variables = create(discriminator, x, train=True)
    (source, _), updated = run(discriminator, variables, x, train=True, mutable=["batch_stats"])
    assert dtypes((variables, source, updated)) == FLOAT32
    assert source.shape == (6,) and len(np.unique(source)) == 6
    loud = {**variables, "params": jax.tree.map(lambda p: 100 * p, variables["params"])}
    (source, _), _ = run(discriminator, loud, x, train=True, mutable=["batch_stats"])
    assert float(abs(source).max()) > 1


def test_running_statistics_move_in_training_only():
    generator = Generator(width=2, image_size=16, dtype=jnp.float32)
    z = jax.random.normal(jax.random.key(0), (4, 7))
    labels = jnp.zeros(4, jnp.int32)
    variables = create(generator, z, labels, train=True)
    _, trained = run(generator, variables, z, labels, train=True, mutable=["batch_stats"])
    _, sampled = run(generator, variables, z, labels, train=False, mutable=["batch_stats"])
    before, after = jax.tree.leaves(variables["batch_stats"]), jax.tree.leaves(trained["batch_stats"])
    assert any(not np.array_equal(a, b) for a, b in zip(before, after, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(before, jax.tree.leaves(sampled["batch_stats"]), strict=True))
    # An image drawn by running statistics does not depend on its company.
    alone = run(generator, variables, z[:1], labels[:1], train=False)
    together = run(generator, variables, z, labels, train=False)
    np.testing.assert_allclose(alone[0], together[0], atol=1e-5)


def test_labels_do_not_matter_to_a_dcgan():
    generator = Generator(width=2, image_size=16, dtype=jnp.float32)
    z = jax.random.normal(jax.random.key(0), (4, 7))
    variables = create(generator, z, jnp.zeros(4, jnp.int32), train=True)
    images = [run(generator, variables, z, jnp.full(4, label), train=False) for label in (0, 2)]
    np.testing.assert_array_equal(*images)


def test_a_side_that_cannot_be_doubled_into_is_refused():
    with pytest.raises(ValueError, match="multiple of 16"):
        Generator(width=2, image_size=40).init(
            jax.random.key(0), jnp.zeros((1, 3)), jnp.zeros(1, jnp.int32), train=True
        )
