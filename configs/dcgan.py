"""One DCGAN of one class: the paper's network and duration.

lesion-jax train --config configs/dcgan.py --config.data.dataset=DATASET --config.data.label=cyst --workdir runs/dcgan

On a CPU add --config.width=16 --config.discriminator_width=16. Without a label it is trained on every class.
"""

from lesion_jax.config import GanConfig, to_config_dict


def get_config():
    """The defaults are the paper's."""
    return to_config_dict(GanConfig())
