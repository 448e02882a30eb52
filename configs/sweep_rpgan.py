"""Which relativistic GAN: penalties x augmentation x width by halving on inner patients, one program for each width.

lesion-jax plan --config configs/sweep_rpgan.py --config.base.data.dataset=DATASET
lesion-jax sweep --config configs/sweep_rpgan.py --config.base.data.dataset=DATASET --workdir runs/sweep_rpgan

Twelve networks at 32x32 for two cores. `--config.cells="()"` leaves out the wider ones, which take most of the time.

Not run whole. Four of the narrow cells, at rates of 2e-3 and 90 lesions of the phantom, had after 300
steps an inner kernel distance (standard error 0.03) of 0.36 (gamma 0.02), 0.43 (0.2), 0.52 (0.2 without augmentation)
and 0.74 (2); but the first had 0.49 after 600, and gamma 2 at half the rate 0.38: a rung so early chooses nothing.
"""

from lesion_jax.config import RpganConfig, SweepConfig, to_config_dict


def get_config():
    """Gammas of a hundredth, a tenth and all of what is usual at 64x64, whose images have four times the pixels."""
    config = to_config_dict(SweepConfig(base=RpganConfig()))
    base = config.base
    # As configs/rpgan.py:desk.
    base.width = base.discriminator_width = 8
    base.num_blocks = 1
    base.learning_rate, base.final_learning_rate = 1e-3, 2e-4
    base.num_devices = 1
    base.data.image_size = 32
    base.data.margin = 0.15
    base.data.batch_size = 16
    base.data.classic_size = 2000
    base.loop.duration = "2400 steps"
    base.loop.evaluate_every = base.loop.checkpoint_every = base.loop.pictures_every = "300 steps"
    config.zip = (("gamma", (0.02, 0.2, 2.0)), ("final_gamma", (0.002, 0.02, 0.2)))
    config.grid = (("augment_probability", (0.0, 0.3)),)
    config.cells = tuple((("width", width), ("discriminator_width", width)) for width in (8, 16))
    # To measure the others would take longer to compile than it saves on two cores.
    config.packing = "one"
    config.halving.rungs = ("900 steps",)
    return config
