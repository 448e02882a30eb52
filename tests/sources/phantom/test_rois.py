"""Lesions without files: the tissue of whole slices, functions of their seeds, the scanner that was asked for."""

import collections

import numpy as np
import pytest

from lesion_jax.data.augment import augmented
from lesion_jax.errors import ConfigError
from lesion_jax.sources.phantom.anatomy import create_patient
from lesion_jax.sources.phantom.lesions import CLASS_NAMES, draw_look
from lesion_jax.sources.phantom.options import Phantom, Scanner
from lesion_jax.sources.phantom.render import render, scan
from lesion_jax.sources.phantom.rois import render_fresh, render_lesions


@pytest.fixture(scope="module")
def lesions():
    return render_lesions(seed=1, num_lesions={"cyst": 2, "metastasis": 5})


def test_a_part_of_a_slice_is_what_the_whole_slice_shows_there():
    part = (slice(180, 420), slice(100, 230))
    whole, there = create_patient(np.random.default_rng(4)), create_patient(np.random.default_rng(4), part=part)
    tissue = [render(patient, 5.0, [], np.random.default_rng(0)) for patient in (whole, there)]
    assert np.ptp(tissue[1]) > 500
    # Up to the rounding of products of matrices: the order of their sums depends on their size.
    np.testing.assert_allclose(tissue[1], tissue[0][part], atol=0.2)


def test_noise_of_a_part_has_the_patients_strength():
    part = (slice(200, 300), slice(200, 330))
    patient = create_patient(np.random.default_rng(4), part=part)
    hu = scan(np.full((100, 130), 100, np.float32), patient, np.random.default_rng(1)).astype(float)
    assert hu.std() == pytest.approx(patient.noise_hu * 1.05, rel=0.1)
    # The far edges are no neighbours.
    assert abs(np.corrcoef(hu[0], hu[-1])[0, 1]) < 0.35 < np.corrcoef(hu[0], hu[1])[0, 1]


def test_a_cohort_is_a_function_of_its_seed(lesions):
    again = render_lesions(seed=1, num_lesions={"cyst": 2, "metastasis": 5})
    other = render_lesions(seed=2, num_lesions={"cyst": 1})
    assert again.fingerprint == lesions.fingerprint
    assert not {x.patient for x in lesions.lesions} & {x.patient for x in other.lesions}


def test_who_has_what(lesions):
    assert collections.Counter(CLASS_NAMES[x.label] for x in lesions.lesions) == {"cyst": 2, "metastasis": 5}
    # Two patients with a cyst; five metastases in at least four.
    assert len({x.patient for x in lesions.lesions}) == 6
    assert lesions.phantom == Phantom().record(seed=1, num_lesions={"cyst": 2, "metastasis": 5})
    assert Phantom.of_record(lesions.phantom) == Phantom()


def test_patches_hold_every_classic_augmentation(lesions):
    for lesion in lesions.lesions:
        pixels = augmented(lesion, range(16), 32, 0.5, seed=0)
        assert pixels.shape == (16, 32, 32) and 10 < np.median(pixels) < 200


def test_a_fresh_lesion_is_a_function_of_its_class_and_seed():
    one, again, other = render_fresh(2, 5), render_fresh(2, 5), render_fresh(2, 7)
    np.testing.assert_array_equal(one.patch, again.patch)
    assert one.patient == again.patient != other.patient and one.label == 2


def test_the_scanner_is_that_which_was_asked_for():
    def of(**options):
        return render_fresh(0, 5, phantom=Phantom(scanner=Scanner(**options)))

    plain = of()
    # Before the rounding, which may come out differently.
    shifted = of(offset_hu=15).patch - plain.patch
    assert np.ptp(shifted) <= 2 and shifted.mean() == pytest.approx(15, abs=0.01)
    assert of(spacing=1.5).spacing_mm[0] == pytest.approx(1.5 * plain.spacing_mm[0], rel=1e-6)
    noise = [of(dose=dose).patch - of(dose=20).patch for dose in (1, 4)]
    # Standard deviations go with 1 - 20**-0.5 and 4**-0.5 - 20**-0.5.
    assert noise[0].std() / noise[1].std() == pytest.approx((1 - 20**-0.5) / (0.5 - 20**-0.5), rel=0.03)
    # A patient's own error, the same each time.
    moved = of(offset_spread_hu=30).patch - plain.patch
    assert np.ptp(moved) <= 1 and 1 < abs(moved.mean()) <= 30


def test_marks_err_as_far_as_was_asked_for():
    exact, marked = Phantom(), Phantom(mark_error=0.5)
    true, off = (render_fresh(2, 5, phantom=phantom) for phantom in (exact, marked))
    # The same lesion in the middle of another patch; the size of the patch goes with the diameter.
    assert off.diameter_mm != true.diameter_mm and off.label == true.label and off.patient == true.patient
    draw = np.random.default_rng(0)
    marks = [marked.mark(draw, (3.0, -4.0), 20.0) for _ in range(2000)]
    away = np.array([np.hypot(x - 3, y + 4) for (x, y), _ in marks])
    diameters = np.array([diameter for _, diameter in marks])
    # Evenly in a disc: the median lies at the radius over the root of two.
    assert away.max() <= 10 and np.median(away) == pytest.approx(10 / np.sqrt(2), rel=0.05)
    assert 10 <= diameters.min() < 11 and 29 < diameters.max() <= 30
    assert exact.mark(draw, (3.0, -4.0), 20.0) == ((3.0, -4.0), 20.0)


def test_overlap_says_how_many_metastases_look_like_hemangiomas():
    patient = create_patient(np.random.default_rng(0))

    def many_knobs(overlap):
        draw = np.random.default_rng(1)
        looks = [draw_look(draw, "metastasis", 30.0, patient, overlap) for _ in range(300)]
        # A rim has fewer than four.
        return np.mean([len(look.nodules) >= 4 for look in looks])

    assert many_knobs(0.0) == 0 < many_knobs(0.5) < many_knobs(1.0) < many_knobs(2.0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Phantom(mark_error=0.6), r"mark_error is 0\.6; it must lie in \[0\.0, 0\.5\]"),
        (lambda: Scanner(dose=0.0), r"scanner\.dose is 0\.0; it must lie in \[0\.05, 20\.0\]"),
        (lambda: render_lesions(seed=0, num_lesions={"cyst": 0}), "no lesion"),
        (lambda: Phantom.of_record({"scanner": {}, "overlap": 1.0}), "cannot be read .*mark_error"),
        (lambda: Phantom.of_record(Phantom().record() | {"scanner": {"colour": 1}}), "cannot be read .*colour"),
    ],
)
def test_what_cannot_be_drawn_is_refused(make, message):
    with pytest.raises(ConfigError, match=message):
        make()
