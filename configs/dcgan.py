"""One DCGAN of one class: the paper's network and duration.

lesion-jax train --config configs/dcgan.py --config.data.dataset=DATASET --config.data.label=cyst --workdir runs/dcgan

At full width meant for an accelerator; not run to its end yet. What was, on two cores (AMD EPYC) beside other work:
--config.width=16 --config.discriminator_width=16 --config.ema_decay=0.99 --config.data.classic_size=2000
--config.loop.duration='1200 steps', 136 s, recognisable lesions with a faint grid, inner kernel distance 0.02 to 0.09
on the phantom.
Without a label it is trained on every class, and its images can be looked at but make no bank.
"""

from lesion_jax.config import DcganConfig, to_config_dict


def get_config():
    """The defaults are the paper's."""
    return to_config_dict(DcganConfig())
