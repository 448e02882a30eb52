"""One relativistic GAN of all classes: residual networks at the size that methods for small data use, for one GPU.

lesion-jax train --config configs/rpgan.py --config.data.dataset=DATASET --workdir runs/rpgan

Not run to its end yet: it is 2.4 TFLOP a step. `configs/rpgan.py:desk` is for two cores, 32x32 images and networks of
fifty thousand weights, some 0.25 CPU-seconds a step. Its first 600 steps were run: blobs that are dark where cysts are,
without texture, and an inner kernel distance of 0.38 that still fell; no usable images.
"""

from lesion_jax.config import RpganConfig, to_config_dict


def get_config(size="full"):
    """The defaults, or narrow ones at 32x32 ("desk")."""
    config = to_config_dict(RpganConfig())
    if size == "desk":
        config.width = config.discriminator_width = 8
        config.num_blocks = 1
        # Narrow networks take a higher rate.
        config.learning_rate, config.final_learning_rate = 1e-3, 2e-4
        config.num_devices = 1
        config.data.image_size = 32
        config.data.margin = 0.15
        config.data.batch_size = 16
        config.data.classic_size = 2000
        config.loop.duration = "2400 steps"
    return config
