"""Intervals of one arm, against printed and independent values and by simulation."""

import numpy as np
import pytest
from scipy import stats

from lesion_jax.metrics.estimates import accuracy, log_loss, mean_of, sensitivity_of
from lesion_jax.metrics.intervals import over_patients, wilson


def test_wilson_gives_the_intervals_derived_from_the_paper():
    assert wilson(143, 182) == pytest.approx((0.721, 0.839), abs=5e-4)
    assert wilson(156, 182) == pytest.approx((0.799, 0.901), abs=5e-4)


@pytest.mark.parametrize(("successes", "n"), [(0, 7), (7, 7), (3, 10), (98, 182)])
def test_wilson_agrees_with_scipy(successes, n):
    expected = stats.binomtest(successes, n).proportion_ci(method="wilson")
    assert wilson(successes, n) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_wilson_of_nothing_is_everything_and_of_nonsense_an_error():
    assert wilson(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match=r"successes is 8.*n = 7"):
        wilson(8, 7)


def right(share, n):
    """Estimate of an accuracy: the first lesions are right."""
    return mean_of((np.arange(n) < share * n)[None].astype(float))


def test_lesions_of_their_own_patients_have_nearly_wilsons_interval():
    found = over_patients(right(0.75, 400), [str(i) for i in range(400)], 1.0)
    assert found == pytest.approx(wilson(300, 400), abs=1e-3)


def test_copies_of_a_lesion_under_its_patient_narrow_nothing():
    single = over_patients(right(0.75, 40), [str(i) for i in range(40)], 1.0)
    copied = over_patients(right(0.75, 400), [str(i // 10) for i in range(400)], 1.0)
    assert copied == pytest.approx(single)
    assert over_patients(right(1.0, 400), [str(i // 10) for i in range(400)], 1.0)[0] == pytest.approx(
        over_patients(right(1.0, 40), [str(i) for i in range(40)], 1.0)[0]
    )


def test_nothing_known_is_the_whole_range():
    labels, probabilities = np.zeros(3, int), np.full((1, 3, 2), 0.5)
    assert over_patients(sensitivity_of(labels, probabilities, 1), ["a", "b", "c"], 1.0) == (0.0, 1.0)
    assert over_patients(accuracy(labels, probabilities), ["a", "a", "a"], 1.0) == (0.0, 1.0)


def test_intervals_over_clustered_patients_cover():
    """Accuracy and log-loss of patients whose lesions are alike, 400 times: 95 % within three standard errors."""
    random = np.random.default_rng(0)
    patients = np.repeat(np.arange(60), 3)
    names = [str(patient) for patient in patients]
    covered = np.zeros(2)
    for _ in range(400):
        chance = random.beta(3, 1, 60)[patients]
        sure = np.clip(chance, 0.01, 0.99)
        probabilities = np.stack([sure, 1 - sure], -1)[None]
        labels = (random.random(180) > chance).astype(int)
        low, high = over_patients(accuracy(labels, np.where(probabilities > 0, [0.6, 0.4], 0)), names, 1.0)
        covered[0] += low <= 0.75 <= high
        low, high = over_patients(log_loss(labels, probabilities), names, None)
        # Entropy of a beta(3, 1) chance, clipped: by quadrature.
        covered[1] += low <= ENTROPY <= high
    assert (np.abs(covered / 400 - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 400)).all()


_POINTS = (np.arange(100_000) + 0.5) / 100_000
_CHANCE = stats.beta(3, 1).ppf(_POINTS)
_SURE = np.clip(_CHANCE, 0.01, 0.99)
ENTROPY = float(np.mean(-_CHANCE * np.log(_SURE) - (1 - _CHANCE) * np.log(1 - _SURE)))


def test_sizes_of_errors_have_students_interval_cut_off_at_nothing():
    # Small, and far more variable than a share of that size could be.
    sizes = np.where(np.arange(60) < 2, 0.5, 0.0)
    found = over_patients(mean_of(sizes[None]), [str(i) for i in range(60)], 1.0, is_share=False)
    assert found == (0.0, pytest.approx(sizes.mean() + stats.t.ppf(0.975, 59) * sizes.std(ddof=1) / np.sqrt(60)))
