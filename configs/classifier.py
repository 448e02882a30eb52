"""One training of the paper's CNN: classic augmentation, one test fold.

lesion-jax train --config configs/classifier.py --config.data.dataset=DATASET --workdir runs/classifier

The paper's 150 epochs are some 18,000 steps with inner patients held out: at the 105 ms a step that benchmarks/results
holds for two cores (AMD EPYC), half an hour. It was not run to its end there. What was:
--config.width=16 --config.learning_rate=1e-2 --config.data.classic_size=2000 --config.loop.duration='800 steps',
30 to 50 s beside other work, 75 % over the phantom's three test folds.

With synthetic images: --config.data.banks="('BANK',)" --config.data.synthetic_size=1000
"""

from lesion_jax.config import ClassifierConfig, to_config_dict


def get_config():
    """The paper's network, optimizer and duration; an inner split chooses the checkpoint."""
    return to_config_dict(ClassifierConfig())
