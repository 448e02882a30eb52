"""Lesions made by hand: no dataset, no phantom."""

import numpy as np
import pytest

from lesion_jax.core.types import Lesion, LesionSet


def make_lesion(lesion_id: str = "lesion", **changes) -> Lesion:
    """A lesion of 20 mm at 1 mm pixels in correlated noise, with the context that the builder stores."""
    noise = np.random.default_rng(len(lesion_id)).normal(0, 60, (91, 91))
    noise = (noise + np.roll(noise, 1, 0) + np.roll(noise, 1, 1) + np.roll(noise, (1, 1), (0, 1))) / 4
    values = {
        "patient": f"patient of {lesion_id}",
        "label": 0,
        "diameter_mm": 20.0,
        "spacing_mm": (1.0, 1.0),
        "center": (45.3, 44.8),
        "patch": (100 + noise).astype(np.int16),
    }
    return Lesion(lesion_id=lesion_id, **{**values, **changes})


@pytest.fixture
def lesion() -> Lesion:
    """One lesion."""
    return make_lesion()


@pytest.fixture
def cohort() -> LesionSet:
    """60 lesions of 3 classes in 30 patients, two lesions each."""
    patch = np.zeros((3, 3), np.int16)
    lesions = tuple(
        make_lesion(f"lesion{i:02}", patient=f"patient{i // 2:02}", label=i // 2 % 3, patch=patch) for i in range(60)
    )
    return LesionSet(lesions, ("cyst", "metastasis", "hemangioma"), "HU", "fingerprint of the cohort")


@pytest.fixture
def new_lesion():
    """`make_lesion`."""
    return make_lesion
