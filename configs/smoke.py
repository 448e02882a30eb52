"""A first run in minutes: the whole path on a small phantom, with synthetic lesions that look like lesions.

lesion-jax paper --config configs/smoke.py --workdir runs/smoke
"""

from lesion_jax.config import to_config_dict
from lesion_jax.paper.config import PaperConfig


def get_config():
    """The paper's protocol on 32x32 images of a small phantom, with networks of a few thousand weights."""
    config = to_config_dict(PaperConfig())
    # An ACGAN needs more steps than a first run has.
    config.arms = ("none", "classic", "dcgan")
    config.phantom_patients_scale = 0.4
    config.classic_sizes = (0, 600)
    config.synthetic_sizes = (100,)
    classifier, dcgan = config.models.classifier, config.models.dcgan
    classifier.width = 8
    classifier.learning_rate = 1e-2
    classifier.loop.duration = "300 steps"
    classifier.data.batch_size = 32
    dcgan.width = dcgan.discriminator_width = 8
    # At so few steps: a high rate without momentum, and an average over the last hundred.
    dcgan.learning_rate = 2e-3
    dcgan.beta1 = 0.0
    dcgan.ema_decay = 0.99
    dcgan.loop.duration = "800 steps"
    dcgan.data.batch_size = 16
    for model in config.models.values():
        model.num_devices = 1
        model.data.image_size = 32
        # Narrower than the usual window: the liver is grey, cysts are dark, and enhancing nodules bright.
        model.data.window = (-20.0, 220.0)
        model.loop.evaluate_every = model.loop.pictures_every = "50%"
    return config
