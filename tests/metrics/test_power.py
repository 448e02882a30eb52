"""Smallest differences by hand, against statsmodels' kind of formula, and how many it takes."""

import dataclasses
import math

import pytest
from scipy import stats

from lesion_jax.metrics.components import Components
from lesion_jax.metrics.power import DEFAULTS, Needed, Size, needed, smallest_difference, variances

COMPONENTS = Components(patients=0.05, residual=0.1, seeds=0.001, groups=0.0004)


def test_by_hand_for_seeds_and_patients():
    found = smallest_difference(COMPONENTS, Size(patients=80, seeds=10))
    of_patients, of_retraining = 0.05 / 80, 0.001 / 10 + 0.1 / 800
    t_patients, t_retraining = stats.t.ppf(0.975, 79), stats.t.ppf(0.975, 9)
    half = math.sqrt(of_patients * t_patients**2 + of_retraining * t_retraining**2)
    assert found == pytest.approx(half + stats.norm.ppf(0.8) * math.sqrt(of_patients + of_retraining))


def test_patients_alone_give_the_usual_formula():
    """(1.96 + 0.84) standard deviations over the root of n, where there are many and retraining does nothing."""
    many = Size(patients=10_000, seeds=1000)
    found = smallest_difference(Components(0.05, 0.0, 0.0), many)
    assert found == pytest.approx((1.960 + 0.842) * math.sqrt(0.05 / 10_000), rel=1e-3)


def test_defaults_give_the_standard_error_that_the_phantom_has():
    patients, retraining = variances(DEFAULTS, Size(patients=86, seeds=1))
    seeds = 0.00022
    assert math.sqrt(patients + retraining - seeds) == pytest.approx(0.031, abs=5e-4)
    assert math.sqrt(seeds) == pytest.approx(0.015, abs=5e-4)


def test_more_of_anything_shows_more_and_more_arms_show_less():
    size = Size(patients=80, seeds=5, groups=6)
    found = smallest_difference(COMPONENTS, size)
    for field in ("patients", "seeds", "groups"):
        larger = dataclasses.replace(size, **{field: 2 * getattr(size, field)})
        assert smallest_difference(COMPONENTS, larger) < found
    assert smallest_difference(COMPONENTS, size, num_compared=3) > found
    assert smallest_difference(COMPONENTS, size, power=0.9) > found


def test_one_retraining_shows_nothing_unless_it_has_folds():
    assert smallest_difference(COMPONENTS, Size(patients=80, seeds=1)) == math.inf
    assert smallest_difference(COMPONENTS, Size(patients=80, seeds=1, folds=3)) < math.inf


@pytest.mark.parametrize("wanted", [0.12, 0.08, 0.05, 0.02])
@pytest.mark.parametrize("size", [Size(80, 1), Size(80, 5), Size(700, 3), Size(80, 1, groups=5), Size(60, 1, folds=3)])
def test_what_is_needed_suffices_and_little_less_does_not(size, wanted):
    more = needed(COMPONENTS, size, wanted)
    grown = Size(size.patients + more.patients, size.seeds + more.seeds, size.groups + more.groups, size.folds)
    assert smallest_difference(COMPONENTS, grown) <= wanted
    added = {field: number for field, number in vars(more).items() if number}
    # Where two things grow by one factor, whole seeds leave patients to spare.
    if len(added) == 1:
        fewer = {field: getattr(grown, field) - math.ceil(0.1 * number) for field, number in added.items()}
        assert smallest_difference(COMPONENTS, dataclasses.replace(grown, **fewer)) > wanted


def test_a_study_that_shows_it_needs_nothing():
    assert needed(COMPONENTS, Size(80, 5), 0.2) == Needed()
