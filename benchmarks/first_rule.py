"""What the first version called raised or lowered."""

import numpy as np

from lesion_jax.metrics.runs import Runs

# Of the bootstrap; the first version took 10,000.
_RESAMPLES = 1000


class FirstRule:
    """The first version's rule: percentiles of a bootstrap over patients of the difference, meaned over seeds."""

    def __init__(self, patient: np.ndarray):
        """Draws the resamples of patients; `patient` is int [N], in [0, P)."""
        self._patient, count = patient, np.bincount(patient)
        random = np.random.default_rng(0)
        draws = random.multinomial(len(count), np.full(len(count), 1 / len(count)), size=_RESAMPLES)
        self._draws = draws.astype(np.float32)
        self._size = self._draws @ count

    def verdict(self, arm: Runs, baseline: Runs) -> int:
        """1 for raised, -1 for lowered, 0 for neither."""
        right = [(runs.probabilities.argmax(-1) == runs.labels).mean(0) for runs in (arm, baseline)]
        gain = np.bincount(self._patient, weights=right[0] - right[1])
        low, high = np.quantile(self._draws @ gain / self._size, [0.025, 0.975])
        return int(low > 0) - int(high < 0)
