"""Last-layer features of test lesions, for the report's picture of them."""

import numpy as np

from lesion_jax.paper.arms import ARMS
from lesion_jax.paper.protocol import Findings


def features_of(findings: Findings) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """(title, features float32 [N, F], labels int [N]) of fold 0's test lesions, first seed, of each arm that has some.

    A predictor that gives its class probabilities for features has nothing to embed.
    """
    tests = {name: found.outcomes[0][0].test for name, found in findings.arms.items()}
    return [
        (ARMS[name].title, test.features, test.labels)
        for name, test in tests.items()
        if not np.array_equal(test.features, test.probabilities)
    ]
