"""One inpainting diffusion of all classes: lesions redrawn inside the training patients' real tissue, for one GPU.

lesion-jax train --config configs/inpaint.py --config.data.dataset=DATASET --workdir runs/inpaint

Not run yet: it is 1.9 TFLOP a step. `configs/inpaint.py:desk` is for two cores, 32x32 images and a narrow network, 0.17
CPU-seconds a step. Expect lesions of three kinds after its first 500 steps, on 90 lesions of the phantom.
"""

from lesion_jax.config import InpaintConfig, to_config_dict


def get_config(size="full"):
    """The defaults, or narrow ones at 32x32 ("desk")."""
    config = to_config_dict(InpaintConfig())
    # Another name is a KeyError, which the command line explains.
    if {"full": False, "desk": True}[size]:
        config.width = 8
        config.num_blocks = 1
        config.dropout = 0.0
        # Narrow networks take a higher rate.
        config.learning_rate = 2e-3
        config.num_devices = 1
        config.data.image_size = 32
        config.data.margin = 0.3
        config.data.batch_size = 16
        config.data.classic_size = 2000
        config.loop.duration = "2000 steps"
        config.loop.evaluate_every = config.loop.pictures_every = "25%"
    return config
