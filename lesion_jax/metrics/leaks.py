"""What augmentation may have put into synthetic images: flat corners, holes, mirrored anatomy.

Each is a share of images with the sign, beside the same share of real images: where the two are alike, nothing leaked.
"""

from typing import Any

import numpy as np
from scipy import ndimage, stats

from lesion_jax.metrics.sample import Sample
from lesion_jax.metrics.shrink import shrunk

# What is flat: a range of less than a hundredth of the window. Sides of what is looked at, as shares of the image's.
_FLAT = 0.01
_CORNER, _HOLE = 1 / 10, 1 / 4
_SIGNIFICANCE = 0.01
# A difference of fewer images is no matter, however sure.
_MIN_DIFFERENCE = 0.05
_NUM_FOLDS = 5


def find_leaks(bank: Sample, train: Sample, held_out: Sample) -> dict[str, dict[str, Any]]:
    """Signs of augmentation in a bank.

    Args:
      bank: Synthetic images.
      train: Original images of the training patients.
      held_out: Original images of other patients.

    Returns:
      {"corners", "holes", "mirrored left-right", "mirrored up-down": {"share", "floor" in [0, 1], "p", "leaks"}}: share
      of the images with the sign, of real ones, p of Fisher's exact test that it is not more often, and whether it is
      by more than 0.05 and with p below 0.01. A mirrored sign is None where real lesions have no orientation.
    """
    found: dict[str, Any] = {}
    for name, has_sign in (("corners", has_flat_corner), ("holes", has_hole)):
        found[name] = _compare(has_sign(bank.unit), np.concatenate([has_sign(x.unit) for x in (train, held_out)]))
    for name, axis in (("mirrored left-right", 2), ("mirrored up-down", 1)):
        found[name] = _mirrored(bank, train, held_out, axis)
    return found


def has_flat_corner(images: np.ndarray) -> np.ndarray:
    """Float [N, H, H] in [0, 1] -> bool [N]: one of the corners is flat, as those of a turned image that was filled."""
    k = max(2, round(images.shape[1] * _CORNER))
    corners = (
        images[:, rows, columns] for rows in (slice(k), slice(-k, None)) for columns in (slice(k), slice(-k, None))
    )
    return np.any([np.ptp(x, axis=(1, 2)) < _FLAT for x in corners], axis=0, keepdims=True)[0]


def has_hole(images: np.ndarray) -> np.ndarray:
    """Float [N, H, H] in [0, 1] -> bool [N]: a square of a quarter of the side is flat, as one that was cut out."""
    k = max(3, round(images.shape[1] * _HOLE))
    ranges = ndimage.maximum_filter(images, (1, k, k)) - ndimage.minimum_filter(images, (1, k, k))
    inside = slice(k // 2, images.shape[1] - (k - 1) // 2)
    return (ranges[:, inside, inside].min(axis=(1, 2)) < _FLAT).astype(bool)


def _mirrored(bank: Sample, train: Sample, held_out: Sample, axis: int) -> dict[str, Any] | None:
    """Share of images that look like mirrored ones to a classifier that knows real ones and their mirror images."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold

    sides = [_oddness(sample.unit, axis) for sample in (train, bank, held_out)]

    def weights(odd: np.ndarray) -> np.ndarray:
        both = np.concatenate([odd, -odd])
        model = LogisticRegression(C=0.01, fit_intercept=False, max_iter=1000)
        return model.fit(both, np.repeat([1, 0], len(odd))).coef_[0]

    real = np.zeros(len(train), bool)
    num_folds = min(_NUM_FOLDS, len(np.unique(train.patients)))
    if num_folds < 2:
        return None
    for fitted, left in GroupKFold(num_folds).split(sides[0], groups=train.patients):
        real[left] = sides[0][left] @ weights(sides[0][fitted]) < 0
    of_all = weights(sides[0])
    real = np.concatenate([real, sides[2] @ of_all < 0])
    if stats.binomtest(int((~real).sum()), len(real), alternative="greater").pvalue >= _SIGNIFICANCE:
        return None
    return _compare(sides[1] @ of_all < 0, real)


def _oddness(images: np.ndarray, axis: int) -> np.ndarray:
    """Float [N, 256]: what changes its sign when the image is mirrored, coarse, in deviations of the image."""
    small = shrunk(images, 16)
    odd = (small - np.flip(small, axis)).reshape(len(images), -1)
    return odd / np.maximum(images.std((1, 2)), 0.01)[:, None]


def _compare(ours: np.ndarray, real: np.ndarray) -> dict[str, Any]:
    table = [[int(ours.sum()), int((~ours).sum())], [int(real.sum()), int((~real).sum())]]
    p = float(stats.fisher_exact(table, alternative="greater").pvalue)  # pyright: ignore[reportAttributeAccessIssue]
    share, floor = float(ours.mean()), float(real.mean())
    return {
        "share": share,
        "floor": floor,
        "p": p,
        "leaks": p < _SIGNIFICANCE and share > floor + _MIN_DIFFERENCE,
    }
