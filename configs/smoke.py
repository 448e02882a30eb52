"""A first run in minutes: the whole path on a small phantom, with synthetic lesions that look like lesions.

lesion-jax paper --config configs/smoke.py --workdir runs/smoke

Three and a half minutes on two cores (AMD EPYC), compilation included. Expect 65 to 80 % in every arm, and synthetic
lesions whose class can be told at a glance; all are softer than real ones. 73 lesions can tell nothing about a gain.
"""

from lesion_jax.config import PaperConfig, to_config_dict


def get_config():
    """The paper's protocol on 32x32 images of a small phantom, with networks of a few thousand weights."""
    config = to_config_dict(PaperConfig())
    config.phantom_patients_scale = 0.4
    config.classic_sizes = (0, 600)
    # A generator sees each lesion often enough, within its few steps, to learn the rim of a hemangioma.
    config.gan_classic_size = 50
    config.synthetic_sizes = (100,)
    models = config.models
    models.classifier.width = 8
    models.classifier.learning_rate = 1e-2
    models.classifier.data.batch_size = 32
    models.classifier.loop.duration = "200 steps"
    for gan in (models.dcgan, models.acgan):
        gan.width = gan.discriminator_width = 8
        gan.data.batch_size = 8
        # For trainings as short as these: a high rate without momentum, and an average over the last fifty steps.
        gan.learning_rate = 1e-3
        gan.beta1, gan.beta2 = 0.0, 0.99
        gan.ema_decay = 0.98
    models.dcgan.loop.duration = "400 steps"
    # With a weight of one it draws one image per class.
    models.acgan.class_weight = 0.3
    models.acgan.loop.duration = "800 steps"
    for model in models.values():
        model.num_devices = 1
        model.data.image_size = 32
        model.data.margin = 0.15
        # Narrower than the usual window: the liver is grey, cysts are dark, and enhancing nodules bright.
        model.data.window = (-20.0, 220.0)
        model.loop.evaluate_every = model.loop.pictures_every = model.loop.checkpoint_every = "100%"
    return config
