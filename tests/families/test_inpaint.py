"""The inpainting diffusion: what it keeps of the tissue, whose it is, what its loss counts, and its step on devices."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lesion_jax.config import DataConfig, LoopConfig
from lesion_jax.core import keys
from lesion_jax.data.training_images import prepare_images
from lesion_jax.errors import ConfigError
from lesion_jax.families import FAMILIES, InpaintConfig
from lesion_jax.families.context import Context
from lesion_jax.families.inpaint_step import (
    create_inpaint_state,
    denoised,
    denoising_loss,
    disc,
    make_inpaint_step,
)
from lesion_jax.models.layers import dropout
from lesion_jax.models.unet import Denoiser
from lesion_jax.runtime import parallel
from lesion_jax.train.evaluation import arrays_of
from tests.families.agreement import disagreements
from tests.train.tiny import WINDOW, cohort, host_batch

B = 8
DATA = DataConfig(image_size=16, batch_size=B, classic_size=0, margin=0.25, window=WINDOW)
TINY = InpaintConfig(width=4, num_blocks=1, sampling_steps=3, data=DATA, loop=LoopConfig(duration="2 steps"))
FAMILY = FAMILIES["inpaint"]


def test_the_mask_is_a_disc_of_1_15_radii_with_an_edge_of_two_pixels():
    mask = disc(64, 0.25)
    # A lesion's radius is 64 / 1.5 / 2 pixels.
    assert abs(mask.sum() - np.pi * (1.15 * 64 / 3) ** 2) < 10
    row = mask[32, 32:]
    assert ((row > 0) & (row < 1)).sum() == 2 and row[0] == 1 and row[-1] == 0
    np.testing.assert_array_equal(mask, mask.T[::-1])


def test_a_mask_that_leaves_no_tissue_is_refused():
    with pytest.raises(ConfigError, match="nothing is left to draw by"):
        InpaintConfig(data=DataConfig(margin=0.05)).check()


def test_the_loss_weighs_the_outside_by_a_tenth():
    hyper = {"mask": jnp.array([[1.0, 0.0], [0.0, 0.0]]), "data_std": 0.5}
    wrong = jnp.array([[[1.0, 0.0], [0.0, 0.0]], [[0.0, 1.0], [0.0, 0.0]]])
    found = denoising_loss(jnp.zeros((2, 2, 2)), wrong, jnp.array([0.5, 1.0]), hyper)
    np.testing.assert_allclose(found, [8 * 1 / 1.3, 5 * 0.1 / 1.3], rtol=1e-5)


def test_the_network_sees_the_tissue_and_not_the_lesion():
    seen = {}

    def apply(variables, x, noise, labels, keys):
        seen["x"] = x
        return jnp.zeros(x.shape[:3])

    known, mask = jnp.full((1, 4, 4), 0.7), jnp.zeros((4, 4)).at[1:3, 1:3].set(1.0)
    hyper = {"mask": mask, "data_std": 0.5}
    found = denoised(apply, {}, jnp.ones((1, 4, 4)), known, jnp.array([0.5]), jnp.array([0]), hyper)
    np.testing.assert_allclose(seen["x"][0, ..., 2], 0.7 * (1 - mask), rtol=1e-6)
    np.testing.assert_allclose(seen["x"][0, ..., 0], np.sqrt(2), rtol=1e-6)
    # A network that says nothing: c_skip of the noised image.
    np.testing.assert_allclose(found, 0.5, rtol=1e-6)


@pytest.fixture(scope="module")
def trained():
    images = prepare_images(TINY, cohort())
    program = FAMILY.make_program(TINY, 3)
    return images, program, jax.device_get(FAMILY.init_state(TINY, program, images))


@pytest.mark.slow
def test_it_draws_in_real_tissue_and_says_whose(trained):
    images, _, state = trained
    context, labels = Context.of(images.lesions, TINY, "HU"), np.array([0, 1, 2, 2], np.int32)
    args = TINY, 3, arrays_of(state), keys.per_image(5, 4), labels, context
    drawn, told = FAMILY.draw(*args), FAMILY.origins(*args)
    np.testing.assert_array_equal(FAMILY.draw(*args), drawn)
    # An image is a function of its own key and label.
    some = FAMILY.draw(TINY, 3, arrays_of(state), keys.per_image(5, 2), labels[:2], context)
    np.testing.assert_array_equal(some, drawn[:2])
    by_id = {lesion.lesion_id: lesion for lesion in images.lesions}
    assert {*told.patients.values()} <= {*images.patients} and len(told) == 4
    for image, lesion_id in zip(drawn, told.tissue, strict=True):
        outside = image[disc(16, 0.25) == 0]
        # Turned tissue: clipped to the window, of the level that this class of lesions has.
        level = by_id[lesion_id].patch.clip(*WINDOW).mean()
        assert outside.size > 40 and abs(outside.mean() - level) < 25


class _Shallow(nn.Module):
    """A network that uses all that it is given, the dropout's keys too."""

    @nn.compact
    def __call__(self, x, noise, labels, *, keys=None):
        told = nn.Embed(4, 3)(labels) * noise[:, None]
        told = told if keys is None else dropout(told, keys, 0.5)
        return nn.Dense(1)(jnp.tanh(x + told[:, None, None]))[..., 0]


@pytest.mark.slow
def test_devices_find_what_one_finds():
    hyper = {"mask": jnp.asarray(disc(16, 0.25)), "data_std": 0.4, "learning_rate": 1e-3, "ema_images": 100.0}
    hyper = jax.tree.map(jnp.float32, hyper)
    state = jax.device_get(create_inpaint_state(_Shallow(), 16, jnp.int32(0), hyper))
    key, batch, devices = keys.stream(0, "inpaint"), host_batch(B), parallel.choose_devices(4, B)

    def step(average):
        return make_inpaint_step(_Shallow(), num_classes=3, window=WINDOW, batch_size=B, average=average)

    def evidence(state, metrics):
        return {"gradient": state.networks["denoiser"].opt_state[0].mu, "metrics": metrics}

    want = jax.jit(step(parallel.alone))(state, batch, key)
    spread = parallel.over_devices(step(parallel.average_replicas), devices)
    found = spread(parallel.replicate(state, devices), parallel.shard_batch(batch, devices), key)
    assert disagreements(evidence(*found), evidence(*want)) == []


@pytest.mark.slow
def test_the_network_uses_noise_and_class_and_products_are_convolutions():
    network, noise = Denoiser(3, width=4, num_blocks=1), np.random.default_rng(0)
    x = jnp.asarray(noise.standard_normal((1, 8, 8, 3)), jnp.float32).repeat(3, 0)
    level, labels = jnp.array([0.0, 1.0, 0.0]), jnp.array([0, 0, 2])
    # Any numbers will do: what they are drawn by takes longer to compile than the network.
    shapes = jax.eval_shape(network.init, jax.random.key(0), x, level, labels)
    params = jax.tree.map(lambda leaf: (0.3 * noise.standard_normal(leaf.shape)).astype(leaf.dtype), shapes)
    found = jax.jit(network.apply)(params, x, level, labels)
    assert min(float(jnp.abs(found[i] - found[0]).max()) for i in (1, 2)) > 0.01
    products = jax.jit(network.clone(as_products=True).apply)(params, x, level, labels)
    np.testing.assert_allclose(products, found, rtol=1e-4, atol=1e-5)
