import pytest

from lesion_jax.config import DataConfig, GanConfig
from lesion_jax.data.study import prepare
from lesion_jax.families import networks
from lesion_jax.runtime import parallel
from lesion_jax.train import kinds
from tests.train.tiny import study


@pytest.mark.parametrize("kind", ["dcgan", "acgan"])
@pytest.mark.parametrize(("batch_norm", "axis"), [("synchronised", parallel.AXIS), ("replica", None)])
def test_only_the_step_gets_the_device_axis_and_only_if_synchronised(kind, batch_norm, axis, monkeypatch):
    of_step, elsewhere = [], []

    def note_step(generator, discriminator, **_):
        of_step.extend([generator, discriminator])

    def note_elsewhere(*modules, **_):
        elsewhere.extend(module for module in modules if hasattr(module, "axis_name"))

    monkeypatch.setattr(kinds, "make_gan_step", note_step)
    monkeypatch.setattr(kinds, "create_gan_state", note_elsewhere)
    monkeypatch.setattr(networks, "generator_function", note_elsewhere)
    monkeypatch.setattr(parallel, "over_devices", lambda *_: None)
    data = DataConfig(image_size=32, classic_size=40, batch_size=8)
    config = GanConfig(kind=kind, width=2, discriminator_width=2, batch_norm=batch_norm, data=data)
    training = kinds.create_training(config, prepare(config, study()))
    kinds.replicated_step.__wrapped__(training.program, batch_norm, tuple(parallel.choose_devices(2, 8)))
    assert [module.axis_name for module in of_step] == [axis, axis]
    assert [module.axis_name for module in elsewhere] == [None, None, None]
    # What is compiled for evaluation is found again under the modules of a restored run.
    assert tuple(elsewhere[:2]) == networks.create_gan(config, 3)
