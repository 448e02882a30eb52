"""One relativistic GAN of all classes: residual networks at the size that methods for small data use, for one GPU.

lesion-jax train --config configs/rpgan.py --config.data.dataset=DATASET --workdir runs/rpgan

`configs/rpgan.py:desk` is for two cores: 32x32 images, networks of fifty thousand weights.
"""

from lesion_jax.config import RpganConfig, to_config_dict


def get_config(size="full"):
    """The defaults, or narrow ones at 32x32 ("desk")."""
    config = to_config_dict(RpganConfig())
    if size == "desk":
        config.width = config.discriminator_width = 8
        config.num_blocks = 1
        # A narrow network takes a higher rate, and a quarter of the pixels less of a penalty: the best of 0.02, 0.2 and 2
        # after 300 steps, see configs/sweep_rpgan.py.
        config.gamma, config.final_gamma = 0.02, 0.002
        config.learning_rate, config.final_learning_rate = 2e-3, 2e-4
        config.num_devices = 1
        config.data.image_size = 32
        config.data.margin = 0.15
        config.data.batch_size = 16
        config.data.classic_size = 2000
        config.loop.duration = "2400 steps"
    return config
