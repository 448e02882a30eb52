"""A cohort for benchmarks, made without a file."""

import numpy as np

from lesion_jax.core.types import Lesion, LesionSet
from lesion_jax.data.cohort import Cohort
from lesion_jax.data.folds import Folds


def made_up_cohort() -> Cohort:
    """Thirty patients with two lesions each, of three classes, in three folds; pixels are noise."""
    generator = np.random.default_rng(0)
    patches = generator.integers(-200, 300, (60, 61, 61)).astype(np.int16)
    lesions = [
        Lesion(f"lesion{i:02}", f"patient{i // 2:02}", i // 2 % 3, 14.0, (1.0, 1.0), (30.0, 30.0), patch)
        for i, patch in enumerate(patches)
    ]
    found = LesionSet(tuple(lesions), ("a", "b", "c"), "HU", "made up")
    fold_of = {f"patient{i:02}": i // 3 % 3 for i in range(30)}
    inner = [frozenset(p for p, other in fold_of.items() if other != fold and p < "patient09") for fold in range(3)]
    return Cohort(found, Folds(3, 0, fold_of, tuple(inner), found.fingerprint, "of the made-up folds"))
