"""One ACGAN of all classes: the paper's network, learning rate and duration.

lesion-jax train --config configs/acgan.py --config.data.dataset=DATASET --workdir runs/acgan

At full width meant for an accelerator; not run to its end yet. What was, on two cores (AMD EPYC) beside other work:
--config.width=16 --config.discriminator_width=16 --config.ema_decay=0.99 --config.learning_rate=2e-4
--config.data.classic_size=2000 --config.loop.duration='1000 steps', 131 s, three kinds of lesions that can be told
apart, inner kernel distance 0.05 on the phantom; cysts and metastases came out under each other's label.
"""

from lesion_jax.config import AcganConfig, to_config_dict


def get_config():
    """The defaults are the paper's: learning rate 1e-4 and 50 epochs, the rest as the DCGAN."""
    return to_config_dict(AcganConfig())
