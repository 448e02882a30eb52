"""One relativistic GAN of all classes: residual networks at the size that methods for small data use, for one GPU.

lesion-jax train --config configs/rpgan.py --config.data.dataset=DATASET --workdir runs/rpgan

Not run to its end yet: it is 2.4 TFLOP a step. `configs/rpgan.py:desk` is for two cores, 32x32 images and networks of
fifty thousand weights, some 0.15 CPU-seconds a step. On 90 lesions of the phantom it draws three kinds of lesions,
softer than real ones (benchmarks/README.md). With penalties of a twentieth (gamma 0.2 to 0.02) and twice the rate it
drew one image of each class, after 2400 steps as after 6000.
"""

from lesion_jax.config import RpganConfig, to_config_dict


def get_config(size="full"):
    """The defaults, or narrow ones at 32x32 ("desk")."""
    config = to_config_dict(RpganConfig())
    # Another name is a KeyError, which the command line explains.
    if {"full": False, "desk": True}[size]:
        config.width = config.discriminator_width = 8
        config.num_blocks = 1
        # Narrow networks take a higher rate, so few images a larger penalty.
        config.learning_rate, config.final_learning_rate = 5e-4, 1e-4
        config.gamma, config.final_gamma = 4.0, 0.4
        config.num_devices = 1
        config.data.image_size = 32
        config.data.margin = 0.15
        config.data.batch_size = 16
        config.data.classic_size = 2000
        config.loop.duration = "3000 steps"
    return config
