"""A table that means something on the phantom, in about an hour on two CPU cores.

lesion-jax paper --config configs/desk.py --workdir runs/desk

48 minutes on two cores (AMD EPYC) that were busy with other work. Expect cysts nearly always right, metastases and
hemangiomas confused, 70 to 75 % in every arm, and no gain from synthetic images beyond the noise of 182 lesions.
"""

from lesion_jax.config import PaperConfig, to_config_dict


def get_config():
    """The paper's protocol at full image size, with narrow networks and fixed numbers of steps.

    Every classifier has the same number of steps to choose its checkpoint from, whatever its data: with the
    paper's fixed epochs the arm without augmentation gets a hundredth of the steps of the others. Learning rates
    are higher, for shorter trainings, and the generators are averaged; the report lists every departure.
    """
    config = to_config_dict(PaperConfig())
    config.classic_sizes = (0, 500, 2000)
    config.synthetic_sizes = (300, 1000)
    models = config.models
    models.classifier.width = 16
    models.classifier.learning_rate = 1e-2
    models.classifier.loop.duration = "800 steps"
    for gan in (models.dcgan, models.acgan):
        gan.width = gan.discriminator_width = 16
        gan.ema_decay = 0.99
    models.dcgan.loop.duration = "1200 steps"
    models.acgan.learning_rate = 2e-4
    models.acgan.loop.duration = "2000 steps"
    for model in models.values():
        model.num_devices = 1
    return config
