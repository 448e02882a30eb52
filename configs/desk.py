"""A table that means something on the phantom, in about an hour on two CPU cores.

lesion-jax paper --config configs/desk.py --workdir runs/desk

48 minutes on two cores (AMD EPYC) that were busy with other work. Expect cysts always right, metastases and
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
    config.classifier.width = 16
    config.classifier.learning_rate = 1e-2
    config.classifier.loop.duration = "800 steps"
    for gan in (config.dcgan, config.acgan):
        gan.width = gan.discriminator_width = 16
        gan.ema_decay = 0.99
    config.dcgan.loop.duration = "1200 steps"
    config.acgan.learning_rate = 2e-4
    config.acgan.loop.duration = "2000 steps"
    for part in (config.classifier, config.dcgan, config.acgan):
        part.num_devices = 1
    return config
