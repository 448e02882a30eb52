"""Uses of a bank over time, and classes that come up equally often."""

import numpy as np
import pytest

from lesion_jax.data.schedule import Schedule

LABELS = np.array([0] * 30 + [1] * 12 + [2] * 5)
CLASSES = tuple(np.flatnonzero(label == LABELS) for label in range(3))


def synthetic_per_step(schedule, steps):
    return (schedule.indices_of(0, steps) >= schedule.num_real).sum(1)


def used_first(**changes):
    facts = {"num_real": 40, "num_synthetic": 30, "batch_size": 16, "synthetic_share": 0.5, "seed": 3}
    return Schedule(**facts | {"synthetic_steps": 50} | changes)


EVERY_KIND = {
    "used first": used_first(),
    "in proportion": used_first(synthetic_share=0.0),
    "annealed": used_first(is_annealed=True),
    "balanced": Schedule(47, 20, 16, 0.25, 3, real_classes=CLASSES),
}


@pytest.mark.parametrize("schedule", EVERY_KIND.values(), ids=EVERY_KIND)
def test_any_step_is_found_without_those_before_it(schedule):
    whole = schedule.indices_of(0, 120)
    for first, count in ((0, 1), (49, 3), (50, 1), (99, 21)):
        np.testing.assert_array_equal(schedule.indices_of(first, count), whole[first : first + count])
    np.testing.assert_array_equal(schedule.indices(77), whole[77])


def test_a_bank_is_used_first_and_then_not_at_all():
    assert synthetic_per_step(used_first(), 60).tolist() == [8] * 50 + [0] * 10
    # While it is used, nothing differs from a bank that is used to the end.
    always = used_first(synthetic_steps=None)
    np.testing.assert_array_equal(used_first().indices_of(0, 50), always.indices_of(0, 50))


@pytest.mark.parametrize("schedule", EVERY_KIND.values(), ids=EVERY_KIND)
def test_both_streams_go_on_image_by_image_whatever_becomes_of_the_share(schedule):
    order = schedule.indices_of(0, 120).ravel()
    synthetic = order[order >= schedule.num_real] - schedule.num_real
    for epoch in np.array_split(synthetic, range(schedule.num_synthetic, len(synthetic), schedule.num_synthetic))[:-1]:
        assert sorted(epoch) == list(range(schedule.num_synthetic))
    if not schedule.real_classes:
        real = order[order < schedule.num_real]
        full = real[: len(real) // schedule.num_real * schedule.num_real].reshape(-1, schedule.num_real)
        assert (np.sort(full, 1) == np.arange(schedule.num_real)).all()


def test_an_annealed_share_falls_in_a_line_to_nothing():
    num = synthetic_per_step(used_first(is_annealed=True), 60)
    line = 8 * (1 - (np.arange(50) + 0.5) / 50)
    assert np.abs(num[:50] - line).max() <= 1 and not num[50:].any()
    assert num.sum() == 8 * 50 // 2
    # Spread over a batch: the halves differ by an image at most.
    halves = (used_first(is_annealed=True).indices_of(0, 50) >= 40).reshape(50, 2, 8).sum(2)
    assert np.abs(np.diff(halves)).max() <= 1
    used_first(is_annealed=True).check_devices(4)


def test_half_of_a_batch_is_synthetic_image_beside_real_image():
    assert (used_first().indices_of(0, 50) >= 40).reshape(-1, 2).tolist() == [[False, True]] * 400


def test_balanced_classes_come_up_equally_often_and_so_do_the_images_of_a_class():
    schedule = Schedule(47, 0, 16, 0.0, 3, real_classes=CLASSES)
    # 45 batches are 8 epochs of 30 turns of 3 classes.
    order = schedule.indices_of(0, 45).ravel()
    times = np.bincount(order, minlength=47)
    assert [times[members].sum() for members in CLASSES] == [240, 240, 240]
    assert [np.ptp(times[members]) for members in CLASSES] == [0, 0, 0]
    # In random order: mixing pairs images with their neighbours, of which a third share a class.
    pairs = LABELS[order].reshape(-1, 2)
    assert 0.2 < (pairs[:, 0] == pairs[:, 1]).mean() < 0.45
    assert (Schedule(47, 0, 16, 0.0, 4, real_classes=CLASSES).indices_of(0, 45).ravel() != order).any()
