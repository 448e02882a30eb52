"""One training of the paper's CNN: classic augmentation, one test fold.

lesion-jax train --config configs/classifier.py --config.data.dataset=DATASET --workdir runs/classifier

With synthetic images: --config.data.banks="('BANK',)" --config.data.synthetic_size=1000
"""

from lesion_jax.config import ClassifierConfig, to_config_dict


def get_config():
    """The paper's network, optimizer and duration; an inner split chooses the checkpoint."""
    return to_config_dict(ClassifierConfig())
