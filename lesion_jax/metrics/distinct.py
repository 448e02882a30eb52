"""Are synthetic images as far from one another as real ones are? Few images again and again, noise added, are not."""

from typing import Any

import numpy as np

from lesion_jax.metrics.sample import Sample, standardised


def score_distinct(fake: Sample, real: Sample) -> dict[str, Any] | None:
    """Distance to the nearest other image, as a share of that of real ones, on radiomic features.

    For arguments see `images.GeneratorMetric`. Unlike the variety of pixels it sees a handful of images that each come
    many times.

    Returns:
      {"value": median over images, divided by that of as many real ones, "per_class": {label: the same}}: 1 is as
      distinct as real, 0 the same images again and again; None where no class has three images on each side.
    """
    scaled, images = standardised(real.radiomics, fake.radiomics)
    per_class = {}
    for label in np.unique(real.labels).tolist():
        num = min((fake.labels == label).sum(), (real.labels == label).sum())
        if num > 2:
            ours, theirs = (x[labels == label][:num] for x, labels in ((images, fake.labels), (scaled, real.labels)))
            per_class[label] = _nearest(ours) / max(_nearest(theirs), 1e-9)
    return {"value": float(np.mean([*per_class.values()])), "per_class": per_class} if per_class else None


def _nearest(features: np.ndarray) -> float:
    # Late, as sklearn elsewhere: a command that is refused does not wait for it.
    from scipy.spatial.distance import cdist

    distances = cdist(features, features)
    np.fill_diagonal(distances, np.inf)
    return float(np.median(distances.min(axis=1)))
