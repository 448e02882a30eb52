"""The words of descriptions agree with the layers that they describe."""

import jax.numpy as jnp
import numpy as np

from lesion_jax.models import describe, layers


def test_the_numbers_are_those_of_the_layers():
    np.testing.assert_allclose(layers.leaky_relu(jnp.array([-1.0])), [-describe.LEAKY_RELU["slope"]])
    # A variance of zero shows the epsilon of the layer itself.
    scale, zeros = {"scale": jnp.ones(1), "bias": jnp.zeros(1)}, {"mean": jnp.zeros(1), "var": jnp.zeros(1)}
    norm = layers.batch_norm(train=False, dtype=jnp.float32)
    y = norm.apply({"params": scale, "batch_stats": zeros}, jnp.ones((1, 1)))
    np.testing.assert_allclose(y, [[describe.batch_norm("x")["epsilon"] ** -0.5]], rtol=1e-6)


def test_a_layer_names_its_arrays_by_the_path_of_its_module():
    found = describe.layer("conv", "a.Conv_0", "kernel", "bias", strides=[1, 1])
    tensors = {"kernel": "a.Conv_0.kernel", "bias": "a.Conv_0.bias"}
    assert found == {"op": "conv", "tensors": tensors, "strides": [1, 1]}


def test_tensors_are_parameters_and_running_statistics_without_the_optimizer():
    variables = {"params": {"Conv_0": {"kernel": 1}}, "batch_stats": {"Norm_0": {"mean": 2}}, "opt_state": {"m": 3}}
    assert describe.tensors_of(variables, "a.") == {"a.Conv_0.kernel": 1, "a.Norm_0.mean": 2}


def test_every_word_for_pixels_names_their_unit():
    assert describe.pixels_input(8, "grey")["unit"] == "grey"
    assert describe.from_pixels((0.0, 255.0), "grey", (0.0, 1.0))["unit"] == "grey"
    assert describe.to_pixels((0.0, 255.0), "grey", (-1.0, 1.0))["unit"] == "grey"
    assert {"from_pixels", "to_pixels"} <= describe.OPS.keys()
