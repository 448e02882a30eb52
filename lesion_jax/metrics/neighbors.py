"""Precision, recall, density and coverage: whose nearest neighbours synthetic and real images are.

Precision and recall: Kynkaanniemi et al. 2019 (arXiv 1904.06991), with the third neighbour. Density and coverage: Naeem
et al. 2020 (arXiv 2002.09797), with the fifth. All four depend on the numbers of images: compare them at the same ones.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lesion_jax.metrics.sample import Sample, standardised

# As the two papers have them.
_PRECISION_NEIGHBOR, _DENSITY_NEIGHBOR = 3, 5
# Of the floor of precision; images with less may be no lesions: noise and grey had 0, GANs trained for minutes a third
# and more.
_NONE = 0.1


def precision_recall(fake: np.ndarray, real: np.ndarray, k: int = _PRECISION_NEIGHBOR) -> tuple[float, float]:
    """Share of synthetic images among real ones, and the reverse.

    Args:
      fake: float [N, F], N above k.
      real: float [M, F], M above k.
      k: Neighbour of the same set whose distance is the radius of an image's ball.

    Returns:
      (precision: share of the synthetic images that lie in the ball of a real one; recall: the reverse), in [0, 1].
    """
    between = _distances(fake, real)
    precision = (between <= _radius(real, k)[None]).any(axis=1).mean()
    recall = (between <= _radius(fake, k)[:, None]).any(axis=0).mean()
    return float(precision), float(recall)


def density_coverage(fake: np.ndarray, real: np.ndarray, k: int = _DENSITY_NEIGHBOR) -> tuple[float, float]:
    """How thickly real images are surrounded by synthetic ones, and how many of them at all.

    Args:
      fake: float [N, F].
      real: float [M, F], M above k.
      k: Neighbour among the real images whose distance is the radius of a real image's ball.

    Returns:
      (density: balls of real images that a synthetic one lies in, divided by k, about 1 for images of the same kind;
      coverage: share of the real images with a synthetic one in their ball, in [0, 1]).
    """
    inside = _distances(fake, real) <= _radius(real, k)[None]
    return float(inside.sum() / (k * len(fake))), float(inside.any(axis=0).mean())


def score_precision(fake: Sample, real: Sample) -> dict[str, Any] | None:
    """Precision on radiomic features; for arguments see `images.GeneratorMetric`."""
    return _score(fake, real, lambda x, y: precision_recall(x, y)[0], _PRECISION_NEIGHBOR)


def none_among_real(score: Mapping[str, Any], train: Sample) -> str | None:
    """Says so where next to no image lies among real ones; see `GeneratorMetric.unlike_lesions`."""
    del train
    value = score["value"]
    return f"{100 * value:.0f} % lie among real ones" if value < _NONE * score.get("floor", 1.0) else None


def score_recall(fake: Sample, real: Sample) -> dict[str, Any] | None:
    """Recall on radiomic features."""
    return _score(fake, real, lambda x, y: precision_recall(x, y)[1], _PRECISION_NEIGHBOR)


def score_density(fake: Sample, real: Sample) -> dict[str, Any] | None:
    """Density on radiomic features."""
    return _score(fake, real, lambda x, y: density_coverage(x, y)[0], _DENSITY_NEIGHBOR)


def score_coverage(fake: Sample, real: Sample) -> dict[str, Any] | None:
    """Coverage on radiomic features."""
    return _score(fake, real, lambda x, y: density_coverage(x, y)[1], _DENSITY_NEIGHBOR)


def _score(fake: Sample, real: Sample, share: Any, k: int) -> dict[str, Any] | None:
    if min(len(fake), len(real)) <= k:
        return None
    y, x = standardised(real.radiomics, fake.radiomics)
    return {"value": share(x, y)}


def _radius(features: np.ndarray, k: int) -> np.ndarray:
    """float64 [N], distance to the k-th nearest other one."""
    # The nearest of all is the image itself.
    return np.partition(_distances(features, features), k, axis=1)[:, k]


def _distances(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    # Late, as sklearn elsewhere: a command that is refused does not wait for it.
    from scipy.spatial.distance import cdist

    return cdist(some, others)
