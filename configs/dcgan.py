"""One DCGAN of one class: the paper's network and duration.

lesion-jax train --config configs/dcgan.py --config.data.dataset=DATASET --config.data.label=cyst --workdir runs/dcgan

At full width meant for an accelerator; not run to its end yet. On a CPU add --config.width=16
--config.discriminator_width=16 --config.loop.duration='1200 steps': about two minutes on two cores (AMD EPYC),
recognisable lesions with a faint grid of the strided convolutions, inner kernel distance near 0.05 on the phantom.
Without a label it is trained on every class, and its images can be looked at but make no bank.
"""

from lesion_jax.config import GanConfig, to_config_dict


def get_config():
    """The defaults are the paper's."""
    return to_config_dict(GanConfig())
