"""Metrics of class probabilities as values with the influence of each lesion, from which every interval follows.

The influence of a lesion is the derivative of the metric by the lesion's weight (the infinitesimal jackknife: Jaeckel
1972; Efron 1982, "The Jackknife, the Bootstrap and Other Resampling Plans", chapter 6). Summed over the lesions of a
patient it says what that patient does to the metric, so that patients, retrainings and folds become clusters of the
same numbers, whatever the metric.

Everywhere: labels int [N], probabilities float [U, N, C] with one [N, C] per retraining.
"""

import dataclasses
from collections.abc import Callable

import numpy as np

# Bins of equal width of the calibration error; Guo et al. 2017 take 15 for 10,000 images, we have hundreds.
NUM_BINS = 10
# As scikit-learn clips float32 probabilities: the loss of a certain mistake is finite.
_SMALLEST = float(np.finfo(np.float32).eps)


@dataclasses.dataclass(frozen=True, eq=False)
class Estimate:
    """A metric in each retraining.

    Attributes:
      value: float64 [U].
      influence: float64 [U, N], sums to 0 over the lesions.
      used: bool [N], lesions that it is out of; nothing is known where there is none.
    """

    value: np.ndarray
    influence: np.ndarray
    used: np.ndarray


def mean_of(scores: np.ndarray, used: np.ndarray | None = None) -> Estimate:
    """Mean of a score of each lesion.

    Args:
      scores: float [U, N].
      used: bool [N], lesions that the mean is over; None for all.
    """
    used = np.ones(scores.shape[1], bool) if used is None else used
    total = max(1, int(used.sum()))
    value = np.where(used, scores, 0.0).sum(axis=1) / total
    return Estimate(value, np.where(used, scores - value[:, None], 0.0) / total, used)


def accuracy(labels: np.ndarray, probabilities: np.ndarray) -> Estimate:
    """Share of lesions whose most probable class is their own."""
    return mean_of(_right(labels, probabilities))


def sensitivity_of(labels: np.ndarray, probabilities: np.ndarray, label: int) -> Estimate:
    """Share of the lesions of a class that are given that class."""
    return mean_of(_right(labels, probabilities), labels == label)


def specificity_of(labels: np.ndarray, probabilities: np.ndarray, label: int) -> Estimate:
    """Share of the lesions of other classes that are not given the class."""
    return mean_of(probabilities.argmax(-1) != label, labels != label)


def specificity(labels: np.ndarray, probabilities: np.ndarray) -> Estimate:
    """Specificities weighted by class size, as the paper prints them."""
    return _weighted(labels, probabilities, specificity_of)


def balanced_accuracy(labels: np.ndarray, probabilities: np.ndarray) -> Estimate:
    """Mean sensitivity of the classes that there are."""
    return _macro([sensitivity_of(labels, probabilities, int(label)) for label in np.unique(labels)])


def auroc_of(labels: np.ndarray, probabilities: np.ndarray, label: int) -> Estimate:
    """Area under the ROC curve of a class against the rest: how often a lesion of it gets the higher probability.

    Influences are the placements of DeLong et al. 1988.
    """
    # Late: the configs of every verb import this table, and scipy.stats takes seconds.
    from scipy.stats import rankdata

    own, scores = labels == label, probabilities[:, :, label]
    num_own, num_rest = int(own.sum()), int((~own).sum())
    if not num_own or not num_rest:
        return Estimate(np.full(len(scores), 0.5), np.zeros(scores.shape), np.zeros(len(labels), bool))
    placement = rankdata(scores, axis=1)
    placement[:, own] = (placement[:, own] - rankdata(scores[:, own], axis=1)) / num_rest
    placement[:, ~own] = 1 - (placement[:, ~own] - rankdata(scores[:, ~own], axis=1)) / num_own
    value = placement[:, own].mean(1)
    influence = (placement - value[:, None]) / np.where(own, num_own, num_rest)
    return Estimate(value, influence, np.ones(len(labels), bool))


def macro_auroc(labels: np.ndarray, probabilities: np.ndarray) -> Estimate:
    """Mean area of the classes, each against the rest, for which there are lesions of both."""
    estimates = [auroc_of(labels, probabilities, label) for label in range(probabilities.shape[-1])]
    return _macro([one for one in estimates if one.used.any()] or estimates[:1])


def log_loss(labels: np.ndarray, probabilities: np.ndarray) -> Estimate:
    """Mean of -log of the probability of the truth, in nats."""
    truth = np.take_along_axis(probabilities, labels[None, :, None], -1)[..., 0].astype(np.float64)
    return mean_of(-np.log(np.clip(truth, _SMALLEST, 1 - _SMALLEST)))


def brier(labels: np.ndarray, probabilities: np.ndarray) -> Estimate:
    """Mean squared distance of the probabilities to the truth, in [0, 2] (Brier 1950)."""
    truth = np.eye(probabilities.shape[-1])[labels]
    return mean_of(np.square(probabilities - truth).sum(-1))


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> Estimate:
    """Expected calibration error of the most probable class (Guo et al. 2017): |confidence - accuracy|, mean over bins.

    `NUM_BINS` bins of equal width, (0, 0.1] to (0.9, 1], weighted by their lesions. It cannot be negative, so few
    lesions make it too large: a calibrated classifier scores about 0.06 on 180 lesions.
    """
    confidence = probabilities.max(-1).astype(np.float64)
    gap = confidence - _right(labels, probabilities)
    inside = np.clip(np.ceil(confidence * NUM_BINS).astype(int) - 1, 0, NUM_BINS - 1)
    bins = np.eye(NUM_BINS)[inside]
    sign = np.sign(np.einsum("un,unb->ub", gap, bins))
    return mean_of(gap * np.take_along_axis(sign, inside, 1))


def _right(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    return probabilities.argmax(-1) == labels


def _macro(estimates: list[Estimate]) -> Estimate:
    return Estimate(
        np.mean([one.value for one in estimates], axis=0),
        np.mean([one.influence for one in estimates], axis=0),
        np.any([one.used for one in estimates], axis=0),
    )


def _weighted(labels: np.ndarray, probabilities: np.ndarray, of_class: Callable[..., Estimate]) -> Estimate:
    """Mean over classes weighted by class size; a lesion also moves the weights."""
    value, influence = np.zeros(len(probabilities)), np.zeros(probabilities.shape[:2])
    for label in np.unique(labels):
        one, share = of_class(labels, probabilities, int(label)), float(np.mean(labels == label))
        value += share * one.value
        influence += share * one.influence + one.value[:, None] * ((labels == label) - share) / len(labels)
    return Estimate(value, influence, np.ones(len(labels), bool))
