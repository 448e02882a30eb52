"""Small volumes and masks, made up."""

import numpy as np

AFFINE = np.diag([-0.8, -0.8, 3, 1])


def volume(seed):
    """HU of 40 x 40 x 5 voxels along left, back and head: noise in soft tissue, and a row of air."""
    values = np.random.default_rng(seed).integers(0, 100, (40, 40, 5)).astype(np.int16)
    values[:, 0] = -1000
    return values


def mask(*boxes):
    """A label in each box of (left, back, head) slices, from 1."""
    values = np.zeros((40, 40, 5), np.uint8)
    for label, box in enumerate(boxes, start=1):
        values[box] = label
    return values


ORGAN = np.s_[5:35, 3:17, 1:4]
TUMOUR = np.s_[10:16, 20:24, 2:4]
