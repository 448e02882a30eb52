import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.core import keys
from lesion_jax.models.cnn import MIN_IMAGE_SIZE, Classifier
from tests.models.conftest import FLOAT32, create, dtypes, layer_shapes, num_parameters, run, shapes


def test_the_papers_parameter_count():
    (logits, features), variables = shapes(Classifier(3), jnp.zeros((2, 64, 64, 1)))
    convolutions = (9 * 1 * 32 + 32) + (9 * 32 * 64 + 64) + (9 * 64 * 128 + 128)
    dense = (6 * 6 * 128 * 256 + 256) + (256 * 3 + 3)
    assert num_parameters(variables) == convolutions + dense == 1_273_347
    assert logits.shape == (2, 3) and features.shape == (2, 256)


def test_the_papers_layer_shapes():
    assert layer_shapes(Classifier(3), jnp.zeros((2, 64, 64, 1))) == {
        "PooledConv_0": (2, 31, 31, 32),
        "PooledConv_1": (2, 14, 14, 64),
        "PooledConv_2": (2, 6, 6, 128),
        "Dense_0": (2, 256),
        "Dense_1": (2, 3),
        "__call__/0/0": (2, 3),
        "__call__/0/1": (2, 256),
    }


@pytest.mark.slow
def test_bfloat16_computes_in_bfloat16_between_float32_ends():
    x = jax.random.normal(jax.random.key(0), (4, 24, 24, 1))
    exact, rounded = (Classifier(3, width=4, dtype=dtype) for dtype in (jnp.float32, jnp.bfloat16))
    variables = create(rounded, x)
    outputs = run(rounded, variables, x)
    assert dtypes(variables) == dtypes(outputs) == FLOAT32
    difference = float(abs(outputs[1] - run(exact, variables, x)[1]).max())
    assert 0 < difference < 0.1
    grads = jax.jit(jax.grad(lambda v: rounded.apply(v, x)[0].sum()))(variables)
    assert dtypes(grads) == FLOAT32


def test_it_is_the_textbook_network():
    """conv -> ReLU -> pool -> ... written out with numpy."""
    x = np.asarray(jax.random.normal(jax.random.key(0), (2, 22, 22, 1)))
    network = Classifier(2, width=2)
    variables = create(network, x)
    params, h = jax.tree.map(np.asarray, variables["params"]), x
    for i in range(3):
        kernel, bias = params[f"PooledConv_{i}"]["kernel"], params[f"PooledConv_{i}"]["bias"]
        side = h.shape[1] - 2
        taps = [h[:, a : a + side, b : b + side] @ kernel[a, b] for a in range(3) for b in range(3)]
        h = np.maximum(np.sum(taps, axis=0) + bias, 0)
        half = side // 2
        h = h[:, : 2 * half, : 2 * half].reshape(2, half, 2, half, 2, -1).max((2, 4))
    features = np.maximum(h.reshape(2, -1) @ params["Dense_0"]["kernel"] + params["Dense_0"]["bias"], 0)
    logits = features @ params["Dense_1"]["kernel"] + params["Dense_1"]["bias"]
    got = run(network, variables, x)
    np.testing.assert_allclose(got[1], features, atol=1e-5)
    np.testing.assert_allclose(got[0], logits, atol=1e-5)


def test_dropout_acts_on_the_logits_only_and_only_with_keys():
    x = jax.random.normal(jax.random.key(0), (4, 22, 22, 1))
    network = Classifier(3, width=2)
    variables = create(network, x)
    logits, features = run(network, variables, x)
    dropped, same_features = run(network, variables, x, keys=keys.per_example(jax.random.key(2), jnp.arange(4)))
    np.testing.assert_array_equal(features, same_features)
    assert not np.allclose(logits, dropped)


def test_the_smallest_image_works_and_a_smaller_one_is_refused():
    network = Classifier(3, width=2)
    assert shapes(network, jnp.zeros((1, MIN_IMAGE_SIZE, MIN_IMAGE_SIZE, 1)))[0][0].shape == (1, 3)
    with pytest.raises(ValueError, match=str(MIN_IMAGE_SIZE)):
        network.init(jax.random.key(0), jnp.zeros((1, MIN_IMAGE_SIZE - 1, MIN_IMAGE_SIZE - 1, 1)))
