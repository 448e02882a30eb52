"""Which relativistic GAN: penalties x augmentation x width by halving on inner patients, one program for each width.

lesion-jax plan --config configs/sweep_rpgan.py --config.base.data.dataset=DATASET
lesion-jax sweep --config configs/sweep_rpgan.py --config.base.data.dataset=DATASET --workdir runs/sweep_rpgan

Twelve networks at 32x32 for two cores. `--config.cells="()"` leaves out the wider ones, which take most of the time.

Not run whole. On 90 lesions of the phantom small penalties are ahead at first and then draw one image of each class:
gamma 0.2 at 1e-3 had an inner kernel distance of 0.17 after 1200 steps and a variety of 0.2 to the end, gamma 4 at 5e-4
0.42 after 1000 and 0.12 after 3000, where its variety had risen from 0.4 to 0.8. So the rung is late.
"""

from lesion_jax.config import RpganConfig, SweepConfig, to_config_dict


def get_config():
    """Gammas of half, twice and eight times what is usual for many images of 64x64."""
    config = to_config_dict(SweepConfig(base=RpganConfig()))
    base = config.base
    # As configs/rpgan.py:desk.
    base.width = base.discriminator_width = 8
    base.num_blocks = 1
    base.learning_rate, base.final_learning_rate = 5e-4, 1e-4
    base.num_devices = 1
    base.data.image_size = 32
    base.data.margin = 0.15
    base.data.batch_size = 16
    base.data.classic_size = 2000
    base.loop.duration = "3000 steps"
    base.loop.evaluate_every = base.loop.checkpoint_every = base.loop.pictures_every = "300 steps"
    config.zip = (("gamma", (1.0, 4.0, 16.0)), ("final_gamma", (0.1, 0.4, 1.6)))
    config.grid = (("augment_probability", (0.0, 0.3)),)
    config.cells = tuple((("width", width), ("discriminator_width", width)) for width in (8, 16))
    # To measure the others would take longer to compile than it saves on two cores.
    config.packing = "one"
    config.halving.rungs = ("1500 steps",)
    return config
