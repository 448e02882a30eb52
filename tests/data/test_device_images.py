import numpy as np

from lesion_jax.core.types import Images
from lesion_jax.data.device_images import Residence


def images(*numbers, label=0):
    hu = np.stack([np.full((4, 4), n, np.int16) for n in numbers])
    return Images(hu, np.full(len(numbers), label, np.int32))


def test_rows_give_back_what_was_added_and_equal_images_lie_there_once():
    residence = Residence()
    added = [images(1, 2, 3), images(3, 4, 1), images(2, label=5), images(7, 7)]
    rows = [residence.add(some) for some in added]
    arrays = residence.arrays()
    assert len(arrays["pixels"]) == len(arrays["label"]) == 6
    for some, at in zip(added, rows, strict=True):
        assert at.dtype == np.int32
        np.testing.assert_array_equal(arrays["pixels"][at], some.pixels)
        np.testing.assert_array_equal(arrays["label"][at], some.labels)


def test_more_can_be_added_after_a_look():
    residence = Residence()
    residence.add(images(1))
    residence.arrays()
    rows = residence.add(images(2, 1))
    np.testing.assert_array_equal(residence.arrays()["pixels"][rows, 0, 0], [2, 1])
