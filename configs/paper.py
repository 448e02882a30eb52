"""The paper to the letter, all arms, one seed: sizes chosen on the test folds, networks at full width.

lesion-jax paper --config configs/paper.py --workdir runs/paper --config.dataset=DATASET

Where the paper is silent, `lesion_jax/config/schema.py` names the choice. Meant for an accelerator: on two
CPU cores it would take weeks, and it was not run there.
"""

from lesion_jax.config import PaperConfig, to_config_dict


def get_config():
    """The defaults are the paper's; only the choice on the test folds has to be asked for."""
    config = to_config_dict(PaperConfig())
    config.selection = "test"
    # The paper mirrors nothing about D's widths; G's are 1024 .. 128.
    config.gan_classic_size = 5000
    return config
