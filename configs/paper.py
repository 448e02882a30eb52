"""The paper to the letter, all arms, one seed: sizes chosen on the test folds, networks at full width.

lesion-jax paper --config configs/paper.py --workdir runs/paper --config.dataset=DATASET

Without a dataset it runs on the phantom. Where the paper is silent, the settings' own text names the choice
(`lesion_jax/families`, `lesion_jax/paper/config.py`). Meant for an accelerator; it has not been run to its end yet.
Two CPU cores are too few for it.
"""

from lesion_jax.config import PaperConfig, to_config_dict


def get_config():
    """The defaults are the paper's, but for two things."""
    config = to_config_dict(PaperConfig())
    config.selection = "test"
    # The paper's best classic size, whatever comes out best here.
    config.gan_classic_size = 5000
    return config
