"""A sweep: nine DCGANs, one per class and fold, at two learning rates; 18 cells in two programs, by a device's memory.

lesion-jax plan --config configs/sweep.py --config.base.data.dataset=DATASET
lesion-jax sweep --config configs/sweep.py --config.base.data.dataset=DATASET --workdir runs/sweep

Class names are the phantom's: name your own with --config.grid. Fields that are arrays (seed, fold, class, learning
rates, betas, weights) share a compiled program; others (width, loss, batch size) make one more program each.
"""

from lesion_jax.config import DcganConfig, SweepConfig, to_config_dict


def get_config():
    """The paper's DCGANs, at its own learning rate and at half of it."""
    return to_config_dict(
        SweepConfig(
            base=DcganConfig(),
            grid=(
                ("data.label", ("cyst", "metastasis", "hemangioma")),
                ("data.fold", (0, 1, 2)),
                ("learning_rate", (1e-4, 2e-4)),
            ),
        )
    )
