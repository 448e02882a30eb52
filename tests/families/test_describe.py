"""What families say of their networks for export names every array of them, in known words."""

import dataclasses

import flax.serialization
import jax
import numpy as np
import pytest

from lesion_jax.config import DataConfig
from lesion_jax.families import FAMILIES
from lesion_jax.models.convolution import PADDING
from lesion_jax.models.describe import OPS

NAMES = ("cyst", "metastasis", "hemangioma")
DESCRIBED = [name for name, family in FAMILIES.items() if family.describe is not None]


def config_and_arrays(name, **changes):
    family = FAMILIES[name]
    config = family.config(data=DataConfig(dataset="x", image_size=64, window=(0.0, 255.0)), **changes)
    program = family.make_program(config, 3)
    # Any numbers will do, and those of the shapes alone need no compilation.
    state = jax.eval_shape(lambda: family.init_state(config, program, None))
    return config, flax.serialization.to_state_dict(jax.tree.map(lambda x: np.zeros(x.shape, x.dtype), state))


def every_layer(network):
    return flat([*network["prepare"], *network["layers"], *(x for part in network["outputs"].values() for x in part)])


def flat(layers):
    """Layers with those that some of them hold."""
    return [x for layer in layers for x in (layer, *flat(layer.get("layers", [])))]


@pytest.mark.parametrize("name", DESCRIBED)
def test_the_layers_name_every_array_and_no_other_in_known_words(name):
    family = FAMILIES[name]
    config, arrays = config_and_arrays(name, width=2)
    networks, tensors = family.describe(config, NAMES, "grey", arrays)
    layers = [layer for network in networks.values() for layer in every_layer(network)]
    assert {held for layer in layers for held in layer.get("tensors", {}).values()} == tensors.keys()
    assert {layer["op"] for layer in layers} <= OPS.keys()
    # Nothing of a network is left out.
    for network in networks:
        held = arrays["ema"].get(network, arrays["networks"][network])
        leaves = [leaf for part in ("params", "batch_stats") for leaf in jax.tree.leaves(held.get(part, {}))]
        assert len(leaves) == sum(tensor.startswith(f"{network}.") for tensor in tensors)
    assert {given["unit"] for network in networks.values() for given in network["inputs"] if "unit" in given} == {
        "grey"
    }


def test_the_papers_generator_in_order():
    config, arrays = config_and_arrays("dcgan", discriminator_width=2)
    networks, _ = FAMILIES["dcgan"].describe(config, NAMES, "HU", arrays)
    layers = networks["generator"]["layers"]
    stage = ["batch_norm", "relu", "transposed_conv"]
    assert [layer["op"] for layer in layers] == ["dense", "reshape", *4 * stage, "tanh"]
    assert layers[1]["shape"] == [4, 4, 1024]
    up = layers[-2]
    assert up["tensors"] == {"kernel": "generator.UpConv_3.kernel", "bias": "generator.UpConv_3.bias"}
    assert (up["strides"], up["padding"]) == ([2, 2], [list(ends) for ends in PADDING]) == ([2, 2], [[1, 2], [1, 2]])


def test_a_generator_of_one_class_says_which():
    config, arrays = config_and_arrays("dcgan", width=2, discriminator_width=2)
    config = dataclasses.replace(config, data=dataclasses.replace(config.data, label="cyst"))
    networks, _ = FAMILIES["dcgan"].describe(config, NAMES, "HU", arrays)
    assert networks["generator"]["makes"] == ["cyst"]
    assert [given["name"] for given in networks["generator"]["inputs"]] == ["z"]
