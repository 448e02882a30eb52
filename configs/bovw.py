"""The paper's baseline without a network: bags of visual words and an SVM, one test fold.

lesion-jax train --config configs/bovw.py --config.data.dataset=DATASET --workdir runs/bovw

Over the phantom's three test folds (182 lesions, seed 0, --config.data.hold_out_inner=False) 78 % were right at 64x64.
"""

from lesion_jax.config import BovwConfig, to_config_dict


def get_config():
    """11x11 patches, 10 components, 750 words of which 35 % are kept, on the original images alone."""
    config = to_config_dict(BovwConfig())
    # The paper does not say that its baseline saw augmented images.
    config.data.classic_size = 0
    return config
