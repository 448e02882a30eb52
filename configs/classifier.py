"""One training of the paper's CNN: classic augmentation, one test fold.

lesion-jax train --config configs/classifier.py --config.data.dataset=DATASET --workdir runs/classifier

The paper's 150 epochs are some 18,000 steps with inner patients held out: about an hour on two cores (AMD EPYC) at the
measured 0.15 to 0.2 s a step; it was run there for hundreds of steps only. --config.width=16
--config.learning_rate=1e-2 --config.loop.duration='800 steps' takes half a minute and reaches about 74 % on the
phantom's test folds.

With synthetic images: --config.data.banks="('BANK',)" --config.data.synthetic_size=1000
"""

from lesion_jax.config import ClassifierConfig, to_config_dict


def get_config():
    """The paper's network, optimizer and duration; an inner split chooses the checkpoint."""
    return to_config_dict(ClassifierConfig())
