import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.data.device_images import DeviceImages, Numbers
from lesion_jax.data.schedule import Schedule


def images(*numbers, label=0):
    pixels = np.stack([np.full((4, 4), n, np.int16) for n in numbers])
    return Images(pixels, np.full(len(numbers), label, np.int32))


def test_rows_give_back_what_was_added_and_equal_images_lie_there_once():
    held = DeviceImages()
    added = [images(1, 2, 3), images(3, 4, 1), images(2, label=5), images(7, 7)]
    rows = [held.add(some) for some in added]
    arrays = held.arrays()
    assert len(arrays["pixels"]) == len(arrays["label"]) == 6
    for some, at in zip(added, rows, strict=True):
        assert at.dtype == np.int32
        np.testing.assert_array_equal(arrays["pixels"][at], some.pixels)
        np.testing.assert_array_equal(arrays["label"][at], some.labels)


def test_more_can_be_added_after_a_look():
    held = DeviceImages()
    held.add(images(1))
    held.arrays()
    rows = held.add(images(2, 1))
    np.testing.assert_array_equal(held.arrays()["pixels"][rows, 0, 0], [2, 1])


def test_numbers_of_many_steps_at_once_are_those_of_each_step():
    schedule = Schedule(num_real=11, num_synthetic=5, batch_size=4, synthetic_share=0.25, seed=3)
    rows = np.random.default_rng(0).permutation(16).astype(np.int32)
    numbers = Numbers(rows, schedule)
    # Forwards, over the end of a block, and back to where a run is continued.
    for first, count in ((0, 3), (3, 1), (254, 5), (259, 300), (2, 2)):
        want = np.stack([rows[schedule.indices(step)] for step in range(first, first + count)])
        np.testing.assert_array_equal(numbers.take(first, count), want)
