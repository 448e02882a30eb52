import dataclasses

import numpy as np
import pytest

from lesion_jax.inference.predict import Predictions
from lesion_jax.paper.results import paired


def predictions(right):
    right = np.asarray(right, float)
    return Predictions(
        lesion_ids=("a", "b", "c"),
        patients=("p", "p", "q"),
        labels=np.zeros(3, int),
        probabilities=np.stack([right, 1 - right], -1),
        features=np.zeros((3, 1)),
        steps=(1,),
    )


def test_arms_are_paired_lesion_by_lesion():
    arm, baseline = paired([predictions([1, 0, 1]), predictions([1, 1, 1])], [predictions([0, 0, 1])])
    assert arm.tolist() == [[True, False, True], [True, True, True]]
    assert baseline.tolist() == [[False, False, True]]


def test_arms_of_other_lesions_or_another_order_are_not_compared():
    other = dataclasses.replace(predictions([1, 0, 1]), lesion_ids=("b", "a", "c"))
    with pytest.raises(ValueError, match="different"):
        paired([other], [predictions([1, 0, 1])])
