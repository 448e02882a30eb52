"""One ACGAN of all classes: the paper's network, learning rate and duration.

lesion-jax train --config configs/acgan.py --config.data.dataset=DATASET --workdir runs/acgan

On a CPU add --config.width=16 --config.discriminator_width=16.
"""

from lesion_jax.config import GanConfig, LoopConfig, to_config_dict


def get_config():
    """Learning rate 1e-4 and 50 epochs, the rest as the DCGAN."""
    return to_config_dict(GanConfig(kind="acgan", learning_rate=1e-4, loop=LoopConfig(duration="50 epochs")))
