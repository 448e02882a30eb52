"""Values against scikit-learn and by hand; influences against derivatives of scikit-learn's by the lesions' weights."""

import numpy as np
import pytest
from sklearn import metrics as sk

from lesion_jax.metrics import estimates
from lesion_jax.metrics.estimates import NUM_BINS

random = np.random.default_rng(0)
LABELS = random.choice(3, 120, p=[0.5, 0.3, 0.2])
LOGITS = random.normal(size=(2, 120, 3)) + 1.2 * np.eye(3)[LABELS]
# Rounded, so that some probabilities of different lesions are equal, but none lies on the edge of a bin.
PROBABILITIES = np.round(np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True), 2)
PROBABILITIES = 0.97 * PROBABILITIES / PROBABILITIES.sum(-1, keepdims=True) + 0.01


def recall(y, p, w):
    return sk.recall_score(y, p.argmax(-1), labels=[1], average="macro", sample_weight=w)


def specificity(y, p, w, label=1):
    return sk.recall_score(y != label, p.argmax(-1) != label, sample_weight=w)


def weighted_specificity(y, p, w):
    return sum(w[y == label].sum() / w.sum() * specificity(y, p, w, label) for label in range(3))


def auroc_of(y, p, w):
    return sk.roc_auc_score(y == 1, p[:, 1], sample_weight=w)


def macro_auroc(y, p, w):
    # scikit-learn takes no weights for several classes in one call.
    return np.mean([sk.roc_auc_score(y == label, p[:, label], sample_weight=w) for label in range(3)])


def log_loss(y, p, w):
    return sk.log_loss(y, p, sample_weight=w)


def brier(y, p, w):
    return sum(sk.brier_score_loss(y == label, p[:, label], sample_weight=w) for label in range(3))


def calibration_error(y, p, w):
    confidence, right = p.max(-1), p.argmax(-1) == y
    found = 0.0
    for low in np.arange(NUM_BINS) / NUM_BINS:
        inside = (confidence > low) & (confidence <= low + 1 / NUM_BINS)
        found += abs(np.sum(w[inside] * (confidence - right)[inside])) / w.sum()
    return found


REFERENCES = {
    "accuracy": (estimates.accuracy, lambda y, p, w: sk.accuracy_score(y, p.argmax(-1), sample_weight=w)),
    "balanced": (
        estimates.balanced_accuracy,
        lambda y, p, w: sk.balanced_accuracy_score(y, p.argmax(-1), sample_weight=w),
    ),
    "sensitivity": (lambda y, p: estimates.sensitivity_of(y, p, 1), recall),
    "specificity of a class": (lambda y, p: estimates.specificity_of(y, p, 1), specificity),
    "specificity": (estimates.specificity, weighted_specificity),
    "AUROC of a class": (lambda y, p: estimates.auroc_of(y, p, 1), auroc_of),
    "AUROC": (estimates.macro_auroc, macro_auroc),
    "log-loss": (estimates.log_loss, log_loss),
    "Brier": (estimates.brier, brier),
    "calibration error": (estimates.calibration_error, calibration_error),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_value_and_influence_agree_with_scikit_learn(name):
    ours, theirs = REFERENCES[name]
    found, ones, step = ours(LABELS, PROBABILITIES), np.ones(120), 1e-4
    for row, probabilities in enumerate(PROBABILITIES):
        value = theirs(LABELS, probabilities, ones)
        assert found.value[row] == pytest.approx(value, abs=1e-12)
        for lesion in (0, 7, 31, 63, 90, 119):
            weights = ones.copy()
            weights[lesion] += step
            slope = (theirs(LABELS, probabilities, weights) - value) / step
            assert found.influence[row, lesion] == pytest.approx(slope, rel=2e-3, abs=1e-6)
    assert np.abs(found.influence.sum(1)).max() < 1e-12


def test_multi_class_auroc_is_scikit_learns():
    expected = sk.roc_auc_score(LABELS, PROBABILITIES[0], multi_class="ovr", average="macro")
    assert estimates.macro_auroc(LABELS, PROBABILITIES).value[0] == pytest.approx(expected, abs=1e-12)


def test_hand_values():
    labels = np.array([0, 1])
    probabilities = np.array([[[0.8, 0.2], [0.6, 0.4]]])
    assert estimates.brier(labels, probabilities).value[0] == pytest.approx((0.08 + 0.72) / 2)
    assert estimates.log_loss(labels, probabilities).value[0] == pytest.approx(-np.log(0.8 * 0.4) / 2)
    # 0.8 sure and right, 0.6 sure and wrong: gaps 0.2 and 0.6 in bins of their own.
    assert estimates.calibration_error(labels, probabilities).value[0] == pytest.approx((0.2 + 0.6) / 2)
    # Both are called the first class, but the order of their probabilities is right.
    assert estimates.macro_auroc(labels, probabilities).value[0] == 1.0
    certain = estimates.log_loss(labels, np.array([[[1.0, 0.0], [1.0, 0.0]]])).value[0]
    assert 7 < certain < 9


def test_a_class_without_lesions_is_left_out_of_means_and_known_to_be_unknown():
    labels, probabilities = np.array([0, 0, 1]), np.array([[[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.6, 0.3]]])
    assert estimates.balanced_accuracy(labels, probabilities).value[0] == pytest.approx(0.75)
    assert estimates.macro_auroc(labels, probabilities).value[0] == pytest.approx(1.0)
    for of_class in (estimates.sensitivity_of, estimates.auroc_of):
        assert not of_class(labels, probabilities, 2).used.any()
    assert not estimates.macro_auroc(labels[:2], probabilities[:, :2]).used.any()
