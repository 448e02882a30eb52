"""Small made-up predictions."""

import numpy as np

from lesion_jax.metrics.runs import Runs

PATIENTS = tuple(f"p{i // 2}" for i in range(24))
LABELS = np.tile([0, 1, 2], 8)
FOLDS = (np.arange(24) // 2 % 3)[None]


def runs_of(right, folds=FOLDS, patients=PATIENTS, **design):
    """Runs whose lesions are right where `right`, bool [U, N], says so; a wrong one is given the next class."""
    right = np.asarray(right, bool)
    given = np.where(right, LABELS, (LABELS + 1) % 3)
    units = np.arange(len(right))
    design = {"cohort": 0 * units, "partition": 0 * units, "seed": units, **design}
    return Runs(0.2 + 0.4 * np.eye(3)[given], LABELS, patients, folds=folds, **design)


def random_runs(num_runs, share, draw, **design):
    """Runs of independent right and wrong answers."""
    return runs_of(np.random.default_rng(draw).random((num_runs, 24)) < share, **design)
