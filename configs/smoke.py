"""Everything, tiny: shows that the whole path runs; its numbers mean nothing.

lesion-jax paper --config configs/smoke.py --workdir runs/smoke

83 s on two cores (AMD EPYC) that were busy with other work, compilation included. Expect 70 to 75 % in every arm
and grey synthetic images: 40 steps teach a GAN nothing.
"""

from lesion_jax.config import to_config_dict
from lesion_jax.paper.config import PaperConfig


def get_config():
    """The paper's protocol on 32x32 images of a small phantom, with networks of a few thousand weights."""
    config = to_config_dict(PaperConfig())
    config.phantom_patients_scale = 0.4
    config.classic_sizes = (0, 100)
    config.synthetic_sizes = (20, 40)
    models = config.models
    models.classifier.width = 4
    models.classifier.learning_rate = 1e-2
    models.classifier.loop.duration = "60 steps"
    for gan in (models.dcgan, models.acgan):
        gan.width = gan.discriminator_width = 4
        gan.loop.duration = "40 steps"
        gan.loop.pictures_every = "50%"
    for model in models.values():
        model.num_devices = 1
        model.data.image_size = 32
        model.data.batch_size = 32
        model.loop.log_every = "10 steps"
        model.loop.evaluate_every = model.loop.checkpoint_every = "50%"
    return config
