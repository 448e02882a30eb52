import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.models.acgan import AuxiliaryDiscriminator, ConditionalGenerator
from lesion_jax.models.cnn import Classifier
from lesion_jax.models.dcgan import Discriminator, Generator
from lesion_jax.models.describe import OPS, describe
from lesion_jax.models.layers import batch_norm, leaky_relu
from tests.models.conftest import shapes

Z, LABELS, IMAGES = jnp.zeros((2, 7)), jnp.zeros(2, jnp.int32), jnp.zeros((2, 32, 32, 1))
NETWORKS = [
    (Generator(width=2, image_size=32), (Z, LABELS), {"train": False}),
    (ConditionalGenerator(3, 4, width=2, image_size=32), (Z, LABELS), {"train": False}),
    (Discriminator(width=2), (IMAGES,), {"train": False}),
    (AuxiliaryDiscriminator(3, width=2), (IMAGES,), {"train": False}),
    (Classifier(3, width=2), (IMAGES,), {}),
]


def steps(described):
    return [*described["layers"], *(layer for layers in described["outputs"].values() for layer in layers)]


@pytest.mark.parametrize(("module", "args", "kwargs"), NETWORKS, ids=lambda value: type(value).__name__)
def test_the_layers_name_every_array_of_the_network_and_no_other(module, args, kwargs):
    _, variables = shapes(module, *args, **kwargs)
    held = {".".join(key.key for key in path[1:]) for path, _ in jax.tree_util.tree_leaves_with_path(dict(variables))}
    described = describe(module)
    assert {name for layer in steps(described) for name in layer.get("tensors", {}).values()} == held
    assert {layer["op"] for layer in steps(described)} <= OPS.keys()


def test_the_papers_generator_in_order():
    layers = describe(Generator())["layers"]
    stage = ["batch_norm", "relu", "transposed_conv"]
    assert [layer["op"] for layer in layers] == ["dense", "reshape", *4 * stage, "tanh"]
    assert layers[1]["shape"] == [4, 4, 1024]
    up = layers[-2]
    assert up["tensors"] == {"kernel": "UpConv_3.kernel", "bias": "UpConv_3.bias"}
    assert (up["strides"], up["padding"]) == ([2, 2], [[1, 2], [1, 2]])


def test_the_numbers_are_those_of_the_layers():
    layers = describe(AuxiliaryDiscriminator(3))["layers"]
    (slope,) = {layer["slope"] for layer in layers if layer["op"] == "leaky_relu"}
    (epsilon,) = {layer["epsilon"] for layer in layers if layer["op"] == "batch_norm"}
    np.testing.assert_allclose(leaky_relu(jnp.array([-1.0])), [-slope])
    # A variance of zero shows the epsilon of the layer itself.
    scale, zeros = {"scale": jnp.ones(1), "bias": jnp.zeros(1)}, {"mean": jnp.zeros(1), "var": jnp.zeros(1)}
    norm = batch_norm(train=False, dtype=jnp.float32)
    y = norm.apply({"params": scale, "batch_stats": zeros}, jnp.ones((1, 1)))
    np.testing.assert_allclose(y, [[epsilon**-0.5]], rtol=1e-6)


def test_another_module_is_refused():
    with pytest.raises(TypeError, match="Dense"):
        describe(nn.Dense(3))
