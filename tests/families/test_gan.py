import functools

import jax
import numpy as np
import pytest

from lesion_jax.config import DataConfig
from lesion_jax.data.training_images import prepare_images
from lesion_jax.families import FAMILIES, AcganConfig, DcganConfig, gan
from lesion_jax.runtime import parallel
from lesion_jax.train import executor
from tests.train.tiny import WINDOW, cohort

SMALL = {
    "width": 2,
    "discriminator_width": 2,
    "data": DataConfig(image_size=32, batch_size=8, classic_size=40, window=WINDOW),
}


@pytest.mark.parametrize("make", [DcganConfig, AcganConfig])
@pytest.mark.parametrize(("batch_norm", "axis"), [("synchronised", parallel.AXIS), ("replica", None)])
def test_only_the_step_gets_the_device_axis_and_only_if_synchronised(make, batch_norm, axis, monkeypatch):
    of_step, of_state = [], []
    monkeypatch.setattr(gan, "make_gan_step", lambda *networks, **_: of_step.extend(networks))
    monkeypatch.setattr(gan, "create_gan_state", lambda *networks, **_: of_state.extend(networks))
    monkeypatch.setattr(parallel, "over_devices", lambda *_: None)
    config = make(batch_norm=batch_norm, **SMALL)
    family = FAMILIES[config.kind]
    program = family.make_program(config, 3)
    family.init_state(config, program, prepare_images(config, cohort()))
    devices = tuple(parallel.choose_devices(2, 8))
    executor.compiled_data_parallel.__wrapped__(program, devices, is_streamed=True)
    assert [module.axis_name for module in of_step] == [axis, axis]
    # What is compiled for everything else is shared with a restored run.
    assert [module.axis_name for module in of_state] == [None, None]
    assert program == family.make_program(config, 3)


@pytest.mark.slow
def test_products_are_convolutions():
    # It has all that a DCGAN has.
    config, draw = AcganConfig(latent_size=5, **SMALL), np.random.default_rng(0)
    family = FAMILIES[config.kind]
    program = family.make_program(config, 3)
    # Any numbers will do: what they are drawn by takes longer to compile than the networks.
    state = jax.eval_shape(lambda: family.init_state(config, program, None))
    networks = {
        name: jax.tree.map(lambda x: (0.3 * draw.standard_normal(x.shape)).astype(x.dtype), network.variables)
        for name, network in state.networks.items()
    }

    @functools.partial(jax.jit, static_argnums=0)
    def run(program, networks, z, labels):
        how = {"train": True, "mutable": ["batch_stats"]}
        images, of_images = program.generator.apply(networks["generator"], z, labels, **how)
        return images, of_images, program.discriminator.apply(networks["discriminator"], images, **how)

    z, labels = draw.uniform(-1, 1, (3, 5)).astype(np.float32), np.arange(3, dtype=np.int32)
    products = program.as_products()
    assert products != program
    found, want = (jax.tree.leaves(run(one, networks, z, labels)) for one in (products, program))
    assert len(found) == len(want) and np.std(want[0]) > 0.01
    for one, other in zip(found, want, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
