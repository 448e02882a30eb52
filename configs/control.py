"""A generator that learns nothing: what a learned one must beat, by the name of its family.

lesion-jax train --config configs/control.py:paste --config.data.dataset=DATASET --workdir runs/paste
lesion-jax sample --workdir runs/paste --num 1000 --out banks/paste

Takes the name after the colon: more_classic (the placebo), paste, recombine, or for a dataset of the phantom oracle
(the ceiling). Training draws 300 images to score and show, which takes the oracle longest.
"""

from lesion_jax.config import to_config_dict
from lesion_jax.families import FAMILIES


def get_config(kind="paste"):
    """The defaults of a family, but for classic images: none of these looks at them."""
    config = to_config_dict(FAMILIES[kind].config())
    config.data.classic_size = 0
    return config
