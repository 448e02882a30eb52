"""How far synthetic images are from real ones when there are only dozens of both.

The kernel distance is an unbiased estimate of the squared maximum mean discrepancy (MMD: Gretton et al.
2012), so two samples of one distribution give 0 on average at any size, where FID gives whatever the
sample size dictates. The features are those of the paper's CNN with fixed random weights, of the image and
of its fine detail: nothing is downloaded, and nothing was ever trained on a test patient. The kernel is a
mixture of rational quadratics (Binkowski et al. 2018, "Demystifying MMD GANs"): unlike their cubic kernel it
is bounded, so that a single odd ROI among twenty does not drown the rest.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lesion_jax.metrics.random_features import random_features
from lesion_jax.metrics.sample import Sample
from lesion_jax.models.cnn import MIN_IMAGE_SIZE

_ALPHAS = (0.2, 0.5, 1.0, 2.0, 5.0)
_MIN_IMAGES = 3
# From which images may be no lesions: on the phantom noise had 0.5 to 0.6, grey 0.99, GANs trained for minutes 0.04 to
# 0.16, renders blurred by a pixel 0.3.
_FAR = 0.4


def kernel_distance(
    images: np.ndarray,
    reference: np.ndarray,
    *,
    patients: np.ndarray | None = None,
    reference_patients: np.ndarray | None = None,
) -> tuple[float, float]:
    """Unbiased squared MMD between images and real ones, on fixed random features.

    Features are scaled by their spread over the reference, so values compare only where the reference is
    the same, as it is for the checkpoints of one run. Report it with both numbers of images, and beside a
    real-against-real value as the floor.

    Args:
      images: float [N, H, H] or [N, H, H, 1] in [-1, 1], the images that are scored; of 3 patients at least.
      reference: float [M, H, H] or [M, H, H, 1] in [-1, 1], real images; of 3 patients at least.
      patients: int [N], equal for images that are not independent: of one patient, or copies of one lesion. None:
        every image is independent.
      reference_patients: int [M], likewise.

    Returns:
      (squared MMD, its standard error by the jackknife over the patients of both sets). The first is at most 2 and
      may be negative: near 0 means that the features tell no difference. NaN where one of the images is not finite.

    Raises:
      ValueError: Fewer than 3 images or patients on a side, images that are not in [-1, 1] (pixels that were not
        scaled, most likely), or reference images that are all the same.
    """
    for name, stack in (("images", images), ("reference", reference)):
        if len(stack) < _MIN_IMAGES:
            raise ValueError(f"{name} holds {len(stack)} images; a kernel distance needs at least 3 on each side.")
        if np.abs(stack).max() > 1.01:
            raise ValueError(f"{name} reaches {np.abs(stack).max():g}; a kernel distance takes images in [-1, 1].")
    # Pooling and ReLU would swallow the odd NaN: a broken generator must not get a score.
    if not np.isfinite(images).all():
        return float("nan"), float("nan")
    x, y = scaled_by_reference(random_features(images), random_features(reference))
    return squared_mmd(x, y, patients, reference_patients)


def scaled_by_reference(
    features: tuple[np.ndarray, np.ndarray], reference: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """Features of the image and of its detail side by side, each part divided by its spread over the reference.

    Args:
      features: Two float [N, F], as `random_features` returns them.
      reference: Two float [M, F].

    Returns:
      float [N, 2 F] and float [M, 2 F].

    Raises:
      ValueError: The reference images are all the same.
    """
    scaled = []
    for x, y in zip(features, reference, strict=True):
        spread = float(np.sqrt(y.var(axis=0).mean()))
        if spread < 1e-6:
            raise ValueError("The reference images are all the same; a kernel distance needs images that differ.")
        scaled.append((x / spread, y / spread))
    x, y = (np.concatenate(side, axis=1) for side in zip(*scaled, strict=True))
    return x, y


def score_kernel_distance(fake: Sample, real: Sample) -> dict[str, Any] | None:
    """Kernel distance of whole samples, and of each class alone; for arguments see `images.GeneratorMetric`.

    The first is blind to labels: classes that are swapped leave it as it is. "per_class" sees them. Its values are on
    the scale of the features of all classes together, so that they compare with each other and with the first.

    Returns:
      {"value": squared MMD, "std": its standard error, "per_class": {label: squared MMD}} of the classes that have
      enough images; None for images of fewer than 3 patients on a side, or images that are smaller than the network
      of the features takes.
    """
    if min(map(_num_patients, (fake, real))) < _MIN_IMAGES or min(real.pixels.shape[1:]) < MIN_IMAGE_SIZE:
        return None
    x, y = scaled_by_reference(fake.random_features, real.random_features)
    value, std = squared_mmd(x, y, fake.patients, real.patients)
    per_class = {}
    for label in np.unique(real.labels).tolist():
        a, b = fake.labels == label, real.labels == label
        if min(_num_patients(fake[a]), _num_patients(real[b])) >= _MIN_IMAGES:
            per_class[label] = squared_mmd(x[a], y[b], fake.patients[a], real.patients[b])[0]
    return {"value": value, "std": std} | ({"per_class": per_class} if per_class else {})


def far_as_classes(score: Mapping[str, Any], train: Sample) -> str | None:
    """Says so where images are further from real ones than lesions can be; see `GeneratorMetric.unlike_lesions`.

    The limit is 0.4, or the largest distance between two classes of real lesions where that is smaller.
    """
    value = score["value"]
    limit = min(_FAR, _between_classes(train))
    return f"kernel distance {value:.2f}, above {limit:.2f}" if value > limit else None


def squared_mmd(
    x: np.ndarray, y: np.ndarray, groups_x: np.ndarray | None = None, groups_y: np.ndarray | None = None
) -> tuple[float, float]:
    """Unbiased squared MMD of two samples, and its jackknife standard error.

    The kernel is the mean over alpha of (1 + |x - y|^2 / (2 alpha D))^-alpha. Pairs within a group tell nothing of
    how alike two independent images are: they are left out as an image beside itself is, and the jackknife leaves out
    whole groups. With nine augmented copies of each lesion the estimate would otherwise be 0.006 to 0.0145 where
    nothing differs, and its error half of what it is.

    Args:
      x: float [N, D], N at least 3; coordinates of a size about 1.
      y: float [M, D], M at least 3.
      groups_x: int [N], at least 3 different ones; None where all are independent.
      groups_y: int [M], likewise.

    Returns:
      (squared MMD, standard error).

    Raises:
      ValueError: Fewer than 3 groups on a side.
    """
    same_x, count_x = _same(groups_x, len(x))
    same_y, count_y = _same(groups_y, len(y))
    if min(len(count_x), len(count_y)) < _MIN_IMAGES:
        raise ValueError(f"Images of {len(count_x)} and {len(count_y)} patients; an error needs 3 on each side.")
    between = _kernel(x, y)
    # Sums over groups: [groups of x, groups of x] and so on; a group beside itself does not count.
    within_x, within_y = (same @ _kernel(z, z) @ same.T for same, z in ((same_x, x), (same_y, y)))
    rows_x, rows_y = (k.sum(axis=1) - np.diag(k) for k in (within_x, within_y))
    cross_x, cross_y = same_x @ between.sum(axis=1), same_y @ between.sum(axis=0)
    sum_x, sum_y, cross = rows_x.sum(), rows_y.sum(), between.sum()
    num_x, num_y = len(x), len(y)
    pairs_x, pairs_y = (n * n - (count**2).sum() for n, count in ((num_x, count_x), (num_y, count_y)))

    def assemble(sum_x: Any, pairs_x: Any, sum_y: Any, pairs_y: Any, cross: Any, pairs: Any) -> Any:
        return sum_x / pairs_x + sum_y / pairs_y - 2 * cross / pairs

    def pairs_without(num: int, pairs: Any, count: np.ndarray) -> np.ndarray:
        return pairs - 2 * count * (num - count)

    value = assemble(sum_x, pairs_x, sum_y, pairs_y, cross, num_x * num_y)
    without_x = assemble(
        sum_x - 2 * rows_x,
        pairs_without(num_x, pairs_x, count_x),
        sum_y,
        pairs_y,
        cross - cross_x,
        (num_x - count_x) * num_y,
    )
    without_y = assemble(
        sum_x,
        pairs_x,
        sum_y - 2 * rows_y,
        pairs_without(num_y, pairs_y, count_y),
        cross - cross_y,
        (num_y - count_y) * num_x,
    )
    variance = (len(count_x) - 1) * np.var(without_x) + (len(count_y) - 1) * np.var(without_y)
    return float(value), float(np.sqrt(variance))


def _between_classes(train: Sample) -> float:
    """Largest kernel distance between two classes of real lesions; infinite where there are no two."""
    features, _ = scaled_by_reference(train.random_features, train.random_features)
    classes = [train.labels == label for label in np.unique(train.labels)]
    classes = [own for own in classes if len(np.unique(train.patients[own])) > 2]
    found = [
        squared_mmd(features[a], features[b], train.patients[a], train.patients[b])[0]
        for i, a in enumerate(classes)
        for b in classes[:i]
    ]
    return max(found, default=np.inf)


def _num_patients(sample: Sample) -> int:
    return len(np.unique(sample.patients))


def _same(groups: np.ndarray | None, num: int) -> tuple[np.ndarray, np.ndarray]:
    """float64 [G, N], 1 where an image is in a group, and float64 [G], images of each."""
    if groups is None:
        return np.eye(num), np.ones(num)
    known, index = np.unique(groups, return_inverse=True)
    same = (index.reshape(-1)[None] == np.arange(len(known))[:, None]).astype(np.float64)
    return same, same.sum(axis=1)


def _kernel(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """float64 [N, M]."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    squared = (x**2).sum(axis=1)[:, None] + (y**2).sum(axis=1)[None] - 2 * x @ y.T
    # Rounding can make the distance of a point to itself slightly negative.
    mean_squared = np.maximum(squared, 0.0) / x.shape[1]
    return np.mean([(1 + mean_squared / (2 * alpha)) ** -alpha for alpha in _ALPHAS], axis=0)
