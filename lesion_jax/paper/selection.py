"""Choosing sizes: on the inner validation patients of each fold, or, as the paper did, on the test folds."""

import dataclasses
from collections.abc import Mapping, Sequence

import numpy as np

from lesion_jax.inference.predict import Predictions, pooled


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Predictions of one classifier for the lesions that it was not trained on.

    Attributes:
      inner: Predictions for its inner validation patients; None where none were held out.
      test: Predictions for its test fold.
    """

    inner: Predictions | None
    test: Predictions


# Outcomes of one size: [seed][fold].
BySeedAndFold = Sequence[Sequence[Outcome]]


def choose(outcomes: Mapping[int, BySeedAndFold], selection: str) -> tuple[int, ...]:
    """The size that each fold uses.

    Accuracy decides, then the log-likelihood, then the smaller size.

    Args:
      outcomes: By size, rising.
      selection: "inner": each fold chooses by its own inner patients, averaged over seeds; no
        fold looks at another's, whose inner patients are among its own test patients.
        "test": one size for all, by the pooled test folds (paper; optimistic).

    Returns:
      One size per fold.
    """
    num_folds = len(next(iter(outcomes.values()))[0])

    def rank(size: int, fold: int) -> tuple[float, float, int]:
        if selection == "test":
            seen = [pooled([outcome.test for outcome in folds]) for folds in outcomes[size]]
        else:
            seen = [folds[fold].inner for folds in outcomes[size]]
        kept = [predictions for predictions in seen if predictions is not None]
        return (
            float(np.mean([p.accuracy for p in kept])),
            float(np.mean([p.log_likelihood for p in kept])),
            -size,
        )

    return tuple(max(outcomes, key=lambda size: rank(size, fold)) for fold in range(num_folds))
